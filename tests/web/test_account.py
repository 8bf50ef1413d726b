"""Signed-in people: continuing to a destination, the page of the account, signing out."""

from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore

from otp_app.accounts import devices
from otp_app.models import Token
from tests.factories import new_phone
from tests.sites import asked_by, new_site
from tests.web.visitor import Visitor, text_of

pytestmark = pytest.mark.django_db

COOKIE = "__Host-otp_device"


def test_the_session_has_a_new_id_after_the_sign_in_and_the_old_one_is_worth_nothing(visitor, outbox, settings):
    visitor.ask()
    planted = visitor.client.session.session_key
    visitor.enter()
    assert visitor.client.session.session_key != planted
    assert not SessionStore().exists(planted)
    thief = Visitor(outbox)
    thief.client.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert thief.get("/account/")["Location"] == "/login/?next=/account/"


def test_a_sign_in_over_the_session_of_somebody_else_takes_nothing_of_it_over(visitor):
    visitor.ask()
    visitor.client.force_login(get_user_model().objects.create_user(new_phone()))
    session = visitor.client.session
    session["cart"] = "theirs"
    session.save()
    visitor.get("/login/1/")
    visitor.enter()
    assert "cart" not in visitor.client.session
    assert visitor.client.session["otp_app_phone"] == visitor.phone


def test_after_the_sign_in_nothing_of_it_is_kept_but_whose_it_is(visitor):
    visitor.ask(new_phone())
    visitor.sign_in(number=2)
    assert visitor.begun == []
    assert visitor.get("/login/1/")["Location"] == "/login/"


def test_the_device_cookie_goes_to_this_host_over_tls_only_and_no_script_reads_it(visitor):
    visitor.sign_in()
    cookie = visitor.client.cookies[COOKIE]
    assert cookie.key.startswith("__Host-")
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert cookie["max-age"] == 180 * 24 * 3600
    assert devices.recognise(visitor.phone, cookie.value)


def test_at_the_next_sign_in_it_is_a_known_device_that_strangers_cannot_lock_out(visitor, settings, clock, outbox):
    settings.OTP_SENDS_PER_PHONE_HOUR = 1
    visitor.sign_in()
    device = devices.recognise(visitor.phone, visitor.client.cookies[COOKIE].value)
    visitor.post("/account/sign-out/")
    clock.advance(60)
    stranger = Visitor(outbox)
    assert stranger.post(phone=visitor.phone).status_code == 429  # the lane of strangers is full
    visitor.sign_in()
    again = visitor.client.cookies[COOKIE].value
    assert devices.recognise(visitor.phone, again) == device


def test_a_device_cookie_of_another_number_makes_nobody_known(visitor, settings, outbox):
    settings.OTP_SENDS_PER_PHONE_HOUR = 1
    visitor.sign_in()
    other = Visitor(outbox)
    other.ask()
    visitor.post("/account/sign-out/")
    assert visitor.post(phone=other.phone).status_code == 429


def test_who_is_signed_in_already_is_asked_and_goes_on_without_a_code(visitor):
    visitor.sign_in()
    page = visitor.get("/login/?next=/a")
    assert "You are signed in as +998 90" in text_of(page)
    assert "Use another number" in text_of(page)
    response = visitor.post("/account/continue/?next=/a")
    assert (response.status_code, response["Location"]) == (302, "/a")
    assert len(visitor.outbox) == 1


def test_who_is_not_signed_in_goes_on_to_the_first_step_only(visitor):
    response = visitor.post("/account/continue/?next=/a")
    assert (response.status_code, response["Location"]) == (302, "/login/?next=%2Fa")


def test_staff_without_a_number_are_shown_by_their_name(visitor, monkeypatch):
    user = get_user_model().objects.create_superuser("+998900000001", "a long password")
    visitor.client.force_login(user)
    monkeypatch.setattr("otp_app.accounts.phone_of", lambda user: "")
    assert "You are signed in as +998900000001" in text_of(visitor.get())


def test_the_account_is_shown_to_who_is_signed_in_and_to_nobody_else(visitor):
    response = visitor.get("/account/")
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/account/")
    visitor.sign_in()
    page = visitor.get("/account/")
    assert page.status_code == 200
    assert f"+998 90 {visitor.phone[6:9]}" in text_of(page)


def test_signing_out_ends_this_session_and_says_so(visitor):
    visitor.sign_in()
    key = visitor.client.session.session_key
    response = visitor.post("/account/sign-out/")
    assert (response.status_code, response["Location"]) == (302, "/login/?out")
    assert "You have signed out." in text_of(visitor.get("/login/?out"))
    assert not SessionStore().exists(key)
    assert visitor.get("/account/").status_code == 302


def test_who_takes_another_number_keeps_what_they_came_for(visitor):
    visitor.sign_in()
    assert visitor.post("/account/sign-out/?next=/a")["Location"] == "/login/?next=%2Fa"


def test_signing_out_keeps_the_device(visitor):
    visitor.sign_in()
    visitor.post("/account/sign-out/")
    assert devices.recognise(visitor.phone, visitor.client.cookies[COOKIE].value)


def test_signing_out_everywhere_ends_every_session_token_and_device_of_this_person_only(visitor, outbox, clock):
    others = [Visitor(outbox), Visitor(outbox)]
    for each in others:
        each.sign_in()
    visitor.sign_in()
    clock.advance(60)
    second = Visitor(outbox)
    second.sign_in(visitor.phone)
    user = get_user_model().objects.get(phone=visitor.phone)
    Token.objects.create(digest=b"x" * 32, user=user, used_at=user.date_joined, expires_at=user.date_joined)
    clock.advance(1)
    response = visitor.post("/account/sign-out-everywhere/")
    assert (response.status_code, response["Location"]) == (302, "/login/?out")
    for each in (visitor, second):
        assert each.get("/account/").status_code == 302
        assert devices.recognise(visitor.phone, each.client.cookies[COOKIE].value) == ""
    assert not Token.objects.exists()
    assert [each.get("/account/").status_code for each in others] == [200, 200]


def test_who_is_signed_out_already_may_sign_out_everywhere(visitor):
    assert visitor.post("/account/sign-out-everywhere/")["Location"] == "/login/?out"


@pytest.mark.parametrize("name", ["continue", "sign-out", "sign-out-everywhere"])
def test_nothing_of_this_happens_by_following_a_link(visitor, name):
    visitor.sign_in()
    response = visitor.get(f"/account/{name}/?next={quote('/a')}")
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert visitor.get("/account/").status_code == 200


def test_signing_out_works_though_the_site_is_registered_no_more(visitor):
    site = new_site()
    visitor.sign_in()
    query = asked_by(site)
    site.is_active = False
    site.save()
    assert visitor.post("/account/sign-out/" + query)["Location"] == "/login/?out"
    assert visitor.get("/account/").status_code == 302
