"""How many statements a request costs, not counting transaction control."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import authorizations
from tests.factories import new_phone, other_than
from tests.sites import BACK, VERIFIER, answer_in, new_site, requested

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def statements(client, name, body):
    with CaptureQueriesContext(connection) as captured:
        response = client.post(f"/api/{name}/", body, content_type="application/json")
    return response, sum(not query["sql"].startswith(CONTROL) for query in captured)


def test_a_first_send_takes_eight(client):
    response, count = statements(client, "send-otp", {"phone": new_phone()})
    assert (response.status_code, count) == (200, 8)


def test_a_send_again_takes_eight(client, clock):
    phone = new_phone()
    response, _ = statements(client, "send-otp", {"phone": phone})
    clock.advance(60)
    body = {"phone": phone, "challenge_id": response.json()["challenge_id"]}
    response, count = statements(client, "send-otp", body)
    assert (response.status_code, count) == (200, 8)


def test_a_send_within_the_wait_takes_three(client):
    phone = new_phone()
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "send-otp", {"phone": phone})
    assert (response.status_code, count) == (429, 3)


def test_a_wrong_code_takes_two(client, outbox):
    phone = new_phone()
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": other_than(outbox[-1].code)})
    assert (response.status_code, count) == (400, 2)


def test_a_sign_in_of_a_known_user_takes_seven(client, outbox, django_user_model):
    phone = new_phone()
    django_user_model.objects.create_user(phone)
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert (response.status_code, count) == (200, 7)


def test_the_token_of_another_site_takes_four(client, django_user_model):
    """The code is read and deleted, the store is asked for the time (but SQLite has none), the token is written."""
    site = new_site()
    address = authorizations.issue(requested(site), django_user_model.objects.create_user(new_phone()))
    body = {"client": site.pk, "redirect_uri": BACK, "code": answer_in(address)["code"], "code_verifier": VERIFIER}
    response, count = statements(client, "token", body)
    assert (response.status_code, count) == (200, 4 if connection.vendor == "postgresql" else 3)
