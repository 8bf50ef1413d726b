"""Whose an account is that was idle for long is asked by the page, and the code is entered once."""

import json
import re

import pytest
from django.contrib.auth import get_user_model

from otp_app import accounts, factors, services
from otp_app.accounts import dormancy
from otp_app.errors import IsThisYou
from otp_app.models import ReleasedNumber
from otp_app.providers.line_checks import Line
from otp_app.testing import lines
from tests import members
from tests.factories import other_than
from tests.flows.test_passkeys import added
from tests.passkeys import relying_party  # noqa: F401
from tests.web.test_factor_page import options_on
from tests.web.visitor import Visitor, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

IDLE = 91 * 24 * 3600


@pytest.fixture
def old(visitor, clock):
    """An account that somebody else began by the page, more than 90 days ago."""
    former = Visitor(visitor.outbox)
    former.sign_in(visitor.phone)
    clock.advance(IDLE)
    return get_user_model().objects.get()


@pytest.fixture
def by_app(monkeypatch):
    offered = [{"by": "authenticator"}, {"by": "passkey", "options": {}}]
    monkeypatch.setattr(factors, "offered", lambda user, bound_to="": offered)
    monkeypatch.setattr(factors, "prove", lambda user, *answer: answer[:2] == ("authenticator", "123456"))


def hidden(page, form):
    """The hidden fields of a form."""
    found = re.search(rf'(?s)<form method="post" id="{form}".*?</form>', page.content.decode())[0]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', found)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


@pytest.fixture
def page(old, visitor):
    visitor.ask()
    return visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")


def test_the_page_asks_and_signs_nobody_in(old, visitor, page):
    assert page.status_code == 200
    assert f"This number has had an account since {old.date_joined.year}" in text_of(page)
    assert "Ask OTP to open the account again" in text_of(page)
    assert visitor.get("/account/")["Location"].startswith("/login/")


def test_of_a_number_that_has_moved_the_page_says_so_and_signs_nobody_in(visitor, clock):
    Visitor(visitor.outbox).sign_in(visitor.phone)
    clock.advance(8 * 24 * 3600)
    with lines() as asked:
        asked.otherwise = Line(sim_swapped=True)
        visitor.ask()
        page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
        assert "the number has got a new SIM card or a new owner" in text_of(page)
        assert visitor.get("/account/")["Location"].startswith("/login/")
        answer = visitor.post("/login/1/", **hidden(page, "new-form"), account="new")
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert get_user_model().objects.count() == 2


def test_a_stranger_begins_a_new_account(old, visitor, page):
    answer = visitor.post("/login/1/", **hidden(page, "new-form"), account="new")
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert get_user_model().objects.count() == 2
    old.refresh_from_db()
    assert accounts.phone_of(old) == ""
    assert accounts.phone_of(ReleasedNumber.objects.get().user) == ""


def test_a_stranger_who_must_add_something_keeps_the_answer_along(old, visitor, settings):
    settings.OTP_ACCOUNTS = members.path(members.Named)
    visitor.ask()
    page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
    form = visitor.post("/login/1/", **hidden(page, "new-form"), account="new")
    assert "One more step" in text_of(form)
    values = hidden(form, "profile-form") | {"profile.full_name": "A Newcomer"}
    assert visitor.post("/login/1/", **values)["Location"] == "/account/"
    assert get_user_model().objects.get(phone=visitor.phone).full_name == "A Newcomer"


def test_a_stranger_who_wants_the_number_of_an_account_in_use_is_told_the_reason(old, visitor, page):
    accounts.record_sign_in(old)  # its owner was there meanwhile
    refused = visitor.post("/login/1/", **hidden(page, "new-form"), account="new")
    assert refused.status_code == 409
    assert "This number belongs to another account." in text_of(refused)
    assert "Too many wrong tries" not in text_of(refused)
    assert visitor.get("/account/")["Location"].startswith("/login/")


def test_the_reason_is_told_also_where_the_last_try_is_spent(old, visitor, page):
    for _ in range(3):
        visitor.post("/login/1/", code=other_than(visitor.outbox[-1].code))
    accounts.record_sign_in(old)
    refused = visitor.post("/login/1/", **hidden(page, "new-form") | {"checks": "4"}, account="new")
    assert "Get a new code" in text_of(refused)
    assert "This number belongs to another account." in text_of(refused)
    assert "Too many wrong tries" not in text_of(refused)


def test_the_owner_opens_the_account_by_a_factor_that_can_be_typed(old, by_app, visitor, page):
    values = hidden(page, "factor-form") | {"factor": " 123456 "}
    assert visitor.post("/login/1/", **values)["Location"] == "/account/"
    assert get_user_model().objects.get() == old


def test_after_a_wrong_factor_the_page_of_factors_asks_for_it_again(old, by_app, visitor, page):
    again = visitor.post("/login/1/", **hidden(page, "factor-form"), factor="999999")
    assert "This is wrong, or it was used already." in text_of(again)
    values = hidden(again, "factor-form") | {"factor": "123456"}
    assert visitor.post("/login/1/", **values)["Location"] == "/account/"
    assert get_user_model().objects.get() == old


def test_a_factor_that_cannot_be_typed_is_not_asked_for(old, by_app, visitor, monkeypatch):
    monkeypatch.setattr(factors, "offered", lambda user, bound_to="": [{"by": "passkey", "options": {}}])
    visitor.ask()
    page = visitor.enter()
    assert "Is this you?" in text_of(page)
    assert "factor-form" not in page.content.decode()


@pytest.mark.usefixtures("relying_party")
def test_the_owner_opens_the_account_by_a_passkey(old, visitor):
    authenticator = added(old)
    visitor.ask()
    page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
    assert "Ask OTP to open the account again" not in text_of(page)
    signed = json.dumps(authenticator.get(options_on(page)))
    assert visitor.post("/login/1/", **hidden(page, "passkey-form"), passkey=signed)["Location"] == "/account/"
    assert get_user_model().objects.get() == old


def test_a_code_from_elsewhere_is_carried_along_with_its_number(old, visitor, outbox):
    services.send_code(phone=visitor.phone)
    page = visitor.post("/login/code/", phone=visitor.phone, code=outbox[-1].code)
    assert hidden(page, "new-form") == {"phone": visitor.phone, "code": outbox[-1].code}
    assert visitor.post("/login/code/", **hidden(page, "new-form"), account="new")["Location"] == "/account/"


def test_an_account_that_began_nobody_knows_when_is_asked_for_without_a_year(visitor, old, monkeypatch):
    monkeypatch.setattr(dormancy, "question", lambda user: IsThisYou())
    visitor.ask()
    assert "This number has an account, and nobody" in text_of(visitor.enter())


def test_the_browser_of_the_owner_is_not_asked(visitor, clock, settings):
    settings.OTP_WAITS = ()
    visitor.sign_in(secure=True)
    clock.advance(IDLE)
    visitor.post("/account/sign-out/", secure=True)
    response = visitor.post("/login/", phone=visitor.phone, secure=True)
    visitor.client.get(response["Location"], secure=True)
    assert visitor.enter(secure=True)["Location"] == "/account/"
