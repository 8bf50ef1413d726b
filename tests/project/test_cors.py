"""Pages of other sites: only those that CORS_ALLOWED_ORIGINS names may call the API from a browser."""

import pytest

from otp_app.api.components import HEADERS

pytestmark = pytest.mark.django_db

ORIGIN = "https://app.example"


def preflight(client, origin=ORIGIN, path="/api/send-otp/"):
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return client.options(path, headers=headers).headers.get("Access-Control-Allow-Origin")


def test_by_default_no_page_of_another_site_may_call(client):
    assert preflight(client) is None


def test_a_named_origin_may_call_the_api_and_nothing_else(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    assert preflight(client) == ORIGIN
    assert preflight(client, "https://other.example") is None
    assert preflight(client, path="/admin/") is None


def test_a_named_origin_may_send_every_header_that_the_schema_has(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    headers = {"origin": ORIGIN, "access-control-request-method": "DELETE"}
    allowed = client.options("/api/me/", headers=headers).headers["Access-Control-Allow-Headers"].split(", ")
    assert {name.lower() for name in (*HEADERS, "Authorization", "Content-Type")} <= set(allowed)
