"""The usual way: phone, code, signed in; and what can go wrong on it."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from otp_app import services, stores
from otp_app.errors import Unavailable
from otp_app.models import ChallengeRow
from tests.factories import new_phone, other_than
from tests.web.visitor import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_phone_code_signed_in(visitor):
    page = visitor.get()
    assert page.status_code == 200
    assert "We send a code to your phone." in text_of(page)
    page = visitor.ask()
    assert "We have sent a text message with a code to +998 90" in text_of(page)
    assert 'autocomplete="one-time-code"' in page.content.decode()
    assert visitor.outbox[-1].to == visitor.phone
    response = visitor.enter()
    assert (response.status_code, response["Location"]) == (302, "/account/")
    assert "You are signed in" in text_of(visitor.get("/account/"))
    assert get_user_model().objects.get(phone=visitor.phone).pk == int(visitor.client.session["_auth_user_id"])


def test_a_test_client_follows_the_redirect_of_a_sign_in(visitor):
    visitor.ask()
    form = {"csrfmiddlewaretoken": visitor.token, "code": visitor.outbox[-1].code}
    assert visitor.client.post("/login/1/", form, follow=True).redirect_chain == [("/account/", 302)]


def test_the_front_page_of_the_service_is_the_sign_in(visitor):
    assert visitor.get("/")["Location"] == "/login/"


def test_a_number_is_read_as_people_write_it_and_shown_again_so(visitor):
    digits = visitor.phone.removeprefix("+998")
    visitor.ask(f" (90) {digits[2:5]}\u2013{digits[5:7]}\u00a0{digits[7:]} ")
    assert visitor.outbox[-1].to == visitor.phone
    assert f'value="+998 90 {digits[2:5]} {digits[5:7]} {digits[7:]}"' in visitor.get().content.decode()


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Enter your phone number."),
        ("1234", "Check the number: it does not look like a mobile one."),
        ("+7 701 234 56 78", "We do not serve numbers of this country yet."),
    ],
)
def test_a_number_that_is_none_is_told_why_and_nothing_is_sent(visitor, settings, typed, reason):
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    page = visitor.post(phone=typed)
    assert page.status_code == 200
    assert reason in text_of(page)
    assert 'aria-invalid="true"' in page.content.decode()
    assert f'value="{typed}"' in page.content.decode()
    assert visitor.outbox == []
    assert visitor.begun == []


def test_what_was_typed_comes_back_as_text_only(visitor):
    page = visitor.post(phone='"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in page
    assert "&quot;&gt;&lt;script&gt;" in page


def test_a_wrong_code_costs_a_check_and_the_page_says_how_many_are_left(visitor):
    visitor.ask()
    page = visitor.enter(other_than(visitor.outbox[-1].code))
    assert page.status_code == 400
    assert "The code is wrong or no longer valid." in text_of(page)
    assert "4 tries left." in text_of(page)
    assert stores.current().get(visitor.begun[0]["challenge_id"]).checks_left == 4
    assert visitor.enter().status_code == 302


def test_a_slip_of_the_form_costs_no_check(visitor):
    visitor.ask()
    page = visitor.enter("12345")
    assert page.status_code == 200
    assert "Enter the 6 digits of the code." in text_of(page)
    assert "tries left" not in text_of(page)
    assert stores.current().get(visitor.begun[0]["challenge_id"]).checks_left == 5


def test_a_code_that_can_be_tried_no_more_is_asked_for_no_more(visitor):
    visitor.ask()
    right = visitor.outbox[-1].code
    for _ in range(5):
        page = visitor.enter(other_than(right))
    assert "Too many wrong tries. Get a new code." in text_of(page)
    assert 'name="code"' not in page.content.decode()
    assert "Send a new code" in text_of(page)
    assert visitor.enter(right).status_code == 400


def test_an_expired_code_says_so_and_offers_a_new_one(visitor, clock):
    visitor.ask()
    clock.advance(300)
    for page in (visitor.get("/login/1/"), visitor.enter()):
        assert "The code has expired. Get a new code." in text_of(page)
        assert 'name="code"' not in page.content.decode()


def test_a_deactivated_person_is_told_no_more_than_that_the_code_is_spent(visitor):
    get_user_model().objects.create_user(visitor.phone, is_active=False)
    visitor.ask()
    page = visitor.enter()
    assert page.status_code == 400
    assert "Too many wrong tries. Get a new code." in text_of(page)
    assert "active" not in text_of(page)
    assert "_auth_user_id" not in visitor.client.session


def test_a_sign_in_that_this_browser_did_not_begin_leads_to_the_first_step(visitor):
    for path in ("/login/1/?next=/a", "/login/7/?next=/a"):
        response = visitor.get(path)
        assert (response.status_code, response["Location"]) == (302, "/login/?next=%2Fa")
    for step in ("send", "extend"):
        assert visitor.post(f"/login/7/{step}/")["Location"] == "/login/7/"
    assert visitor.outbox == []


def test_returning_with_the_same_number_while_its_code_is_open_sends_nothing(visitor):
    visitor.ask()
    page = visitor.ask()
    assert page.request["PATH_INFO"] == "/login/1/"
    assert len(visitor.outbox) == 1
    assert ChallengeRow.objects.count() == 1
    assert "I have a code already" in text_of(visitor.get())


@pytest.mark.parametrize("end", ["expired", "exhausted"])
def test_returning_with_the_same_number_when_its_code_is_of_no_use_sends_a_new_one(visitor, clock, end):
    visitor.ask()
    for _ in range(5 if end == "exhausted" else 0):
        visitor.enter(other_than(visitor.outbox[-1].code))
    clock.advance(60 if end == "exhausted" else 300)
    page = visitor.ask()
    assert page.request["PATH_INFO"] == "/login/2/"
    assert len({message.reference for message in visitor.outbox}) == 2
    assert visitor.enter(number=2).status_code == 302


def test_two_numbers_in_two_tabs_do_not_get_into_each_others_way(visitor):
    one, two = new_phone(), new_phone()
    visitor.ask(one)
    first = visitor.outbox[-1].code
    assert visitor.ask(two).request["PATH_INFO"] == "/login/2/"
    assert visitor.enter(first, number=1).status_code == 302
    assert get_user_model().objects.get().phone == one


def test_the_state_of_the_message_is_told_to_the_script_and_the_id_is_not(visitor):
    visitor.ask()
    response = visitor.get("/login/1/state/")
    told = json.loads(response.content)
    assert 270 < told.pop("expires_in") <= 300
    assert 30 < told.pop("resend_in") <= 60
    assert 30 < told.pop("switch_in") <= 60
    assert 210 < told.pop("same_for") <= 240
    assert told == {"state": "sent", "text": "The message is on its way."}
    for number in (2, 99):
        response = visitor.get(f"/login/{number}/state/")
        assert (response.status_code, response.json()) == (404, {})


@pytest.mark.parametrize("end", ["expired", "exhausted"])
def test_the_state_of_a_code_that_is_of_no_more_use_is_none(visitor, clock, end):
    visitor.ask()
    for _ in range(5 if end == "exhausted" else 0):
        visitor.enter(other_than(visitor.outbox[-1].code))
    clock.advance(300 if end == "expired" else 0)
    response = visitor.get("/login/1/state/")
    assert (response.status_code, response.json()) == (404, {})


def test_more_time_is_given_once(visitor, clock):
    visitor.ask()
    assert "Give me more time" in text_of(visitor.get("/login/1/"))
    clock.advance(250)
    response = visitor.post("/login/1/extend/?next=/a")
    assert (response.status_code, response["Location"]) == (302, "/login/1/?next=%2Fa")
    page = visitor.get("/login/1/")
    assert "Valid for 5 minutes." in text_of(page)
    assert "Give me more time" not in text_of(page)
    visitor.post("/login/1/extend/")
    clock.advance(300)
    assert visitor.enter().status_code == 302


def test_more_time_that_comes_too_late_tells_how_things_are(visitor, clock):
    visitor.ask()
    clock.advance(300)
    visitor.post("/login/1/extend/")
    assert "The code has expired. Get a new code." in text_of(visitor.get("/login/1/"))


def test_more_time_is_not_given_by_following_a_link(visitor):
    visitor.ask()
    assert visitor.get("/login/1/extend/")["Location"] == "/login/1/"
    assert not visitor.begun[0]["extended"]


def test_the_state_is_only_read(visitor):
    response = visitor.post("/login/1/state/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.requests
def test_the_message_is_in_the_language_of_the_page(outbox):
    Visitor(outbox, HTTP_ACCEPT_LANGUAGE="uz").ask()
    assert outbox[-1].language == "uz"


def test_a_send_that_fails_begins_nothing_and_says_when_to_try_again(visitor, monkeypatch):
    def fail(**_):
        raise Unavailable(7)

    monkeypatch.setattr(services, "send_code", fail)
    page = visitor.post(phone=visitor.phone)
    assert (page.status_code, page["Retry-After"]) == (503, "7")
    assert "Try again in 7 seconds." in text_of(page)
    assert visitor.begun == []


@pytest.mark.django_db(transaction=True)
def test_a_check_spent_on_the_page_stays_spent_where_every_request_is_a_transaction(visitor, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    visitor.ask()
    assert visitor.enter(other_than(visitor.outbox[-1].code)).status_code == 400
    assert stores.current().get(visitor.begun[0]["challenge_id"]).checks_left == 4
    assert visitor.enter().status_code == 302


def test_who_typed_nothing_wrong_is_not_told_of_wrong_tries(visitor):
    visitor.ask()
    services.sign_in(phone=visitor.phone, code=visitor.outbox[-1].code)  # in another browser
    page = text_of(visitor.get("/login/1/"))
    assert "This code is no longer valid. Get a new code." in page
    assert "wrong tries" not in page
