"""Pages of other sites: only those that CORS_ALLOWED_ORIGINS names may call the API from a browser."""

import pytest

pytestmark = pytest.mark.django_db

ORIGIN = "https://app.example"


def preflight(client, origin=ORIGIN, path="/api/send-otp/", answer="Access-Control-Allow-Origin"):
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return client.options(path, headers=headers).headers.get(answer)


def test_by_default_no_page_of_another_site_may_call(client):
    assert preflight(client) is None


def test_a_named_origin_may_call_the_api_and_nothing_else(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    assert preflight(client) == ORIGIN
    assert preflight(client, "https://other.example") is None
    assert preflight(client, path="/admin/") is None


@pytest.mark.parametrize("header", ["authorization", "content-type", "idempotency-key", "otp-confirmation"])
def test_it_may_send_the_headers_that_the_api_takes(client, settings, header):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    assert header in preflight(client, answer="Access-Control-Allow-Headers").split(", ")
