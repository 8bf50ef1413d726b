"""Reloads, changed numbers, ended sessions."""

from dataclasses import replace

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted

from otp_app import handlers, services, stores
from otp_app.models import AuthorizationClient
from tests.factories import new_phone, other_than
from tests.sites import BACK, asked_by, new_site
from tests.web.visitor import text_of

pytestmark = pytest.mark.django_db


def test_a_page_that_told_of_a_wrong_code_costs_nothing_when_it_is_reloaded(visitor):
    visitor.ask()
    sent = {"code": other_than(visitor.outbox[-1].code), "checks": "0"}
    assert "4 tries left" in text_of(visitor.post("/login/1/", **sent))
    again = visitor.post("/login/1/", **sent)
    assert "This page was already sent. Enter the code again." in text_of(again)
    assert stores.current().get(visitor.begun[0]["challenge_id"]).checks_left == 4
    assert visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="1")["Location"] == "/account/"


def test_who_changed_the_phone_and_comes_from_a_site_signs_in_anew_and_gets_there(visitor, django_user_model):
    visitor.sign_in()
    new = new_phone()
    django_user_model.objects.update(phone=new)
    response = visitor.sign_in(phone=new, query=asked_by(new_site()))
    assert response["Location"].startswith(BACK)
    assert visitor.get("/login/" + asked_by(AuthorizationClient.objects.get())).status_code == 200


def test_a_request_that_cannot_be_read_ends_on_a_page(rf):
    response = handlers.bad_request(rf.get("/"), SessionInterrupted())
    assert response.status_code == 400
    assert "Go on from here." in text_of(response)


def test_what_is_sent_to_no_address_is_told_so_whoever_sends_it(client):
    response = client.post("/nothing/", {"a": 1}, content_type="application/json")
    assert response.status_code == 404
    assert "There is no such page." in text_of(response)
    assert 'name="language"' not in response.content.decode()


def test_more_time_is_offered_only_where_there_is_some(visitor, settings):
    settings.OTP_TTL = 600
    assert "Give me more time" not in text_of(visitor.ask())


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(300, "5 minutes"), (180, "3 minutes"), (80, "1 minute"), (50, "50 seconds"), (1, "1 second")],
)
def test_what_is_left_is_not_told_as_more_than_it_is(visitor, monkeypatch, seconds, left):
    visitor.ask()
    state = services.state
    monkeypatch.setattr(services, "state", lambda **asked: replace(state(**asked), expires_in=seconds))
    assert f"Valid for {left}." in text_of(visitor.get("/login/1/"))
