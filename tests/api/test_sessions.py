"""A person sees the own sessions, and ends them."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from otp_app import tokens
from otp_app.accounts import authorization_codes
from otp_app.models import SecurityEvent, Token, UserSession
from otp_app.signals import signed_out
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOUR = 3600


@pytest.fixture
def phone():
    return new_phone()


@pytest.fixture
def sign_in(client, outbox, phone, clock):
    """Return a function that signs a client in, an hour after the one before, and returns its headers."""

    def sign_in(number=phone, **headers):
        clock.advance(HOUR)
        client.post("/api/send-otp/", {"phone": number}, content_type="application/json")
        body = {"phone": number, "otp": outbox[-1].code}
        answer = client.post("/api/verify-otp/", body, content_type="application/json", headers=headers)
        return {"authorization": f"Bearer {answer.json()['token']}"}

    return sign_in


@pytest.fixture
def listed(client):
    return lambda held: client.get("/api/sessions/", headers=held).json()["sessions"]


@pytest.fixture
def status(client):
    return lambda held: client.get("/api/me/", headers=held).status_code


@pytest.fixture
def heard():
    """Return the list of what ``signed_out`` told."""
    heard = []

    def hear(**told):
        heard.append((told["everywhere"], told["phone"]))

    signed_out.connect(hear)
    yield heard
    signed_out.disconnect(hear)


def test_each_sign_in_is_listed_with_its_client_and_network_the_newest_first(sign_in, listed):
    sign_in()  # makes the user, by other statements than those of a user who is known
    browser, app = sign_in(user_agent=FIREFOX), sign_in(user_agent="Bazaar/2.1 (Android 15)")
    newest, second, first = listed(app)
    assert [each["client"] for each in (newest, second, first)] == ["Bazaar, Android", "Firefox, Windows", ""]
    assert [each["current"] for each in (newest, second, first)] == [True, False, False]
    assert newest["network"] == "127.0.0.0/24"
    assert newest["began_at"] > second["began_at"] > first["began_at"]
    assert [each["current"] for each in listed(browser)] == [False, True, False]


def test_the_first_sign_in_of_a_number_is_listed_with_its_client(sign_in, listed):
    (only,) = listed(sign_in(user_agent=FIREFOX))
    assert (only["client"], only["network"]) == ("Firefox, Windows", "127.0.0.0/24")


def test_an_app_names_itself_at_the_sign_in_whatever_its_user_agent_is(client, outbox, phone, listed, clock):
    held = None
    for name in ("Bazaar on Anora's Pixel 9", "Дом"):
        clock.advance(HOUR)
        client.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
        body = {"phone": phone, "otp": outbox[-1].code, "client_name": f" {name} "}
        headers = {"user-agent": FIREFOX}
        answer = client.post("/api/verify-otp/", body, content_type="application/json", headers=headers).json()
        held = {"authorization": f"Bearer {answer['token']}"}
        assert listed(held)[0]["client"] == name
    assert [event.client_name for event in SecurityEvent.objects.all()] == ["Дом"]  # of the new device


@pytest.mark.parametrize(
    "name", ["", " ", 65 * "x", "a\nb", "a\0", "\u202egnp.exe", "\ud800", "a\u200bb", "\u3164", 7, None, ["x"]]
)
def test_a_name_that_cannot_be_shown_is_refused_before_a_check_is_spent(client, outbox, phone, name):
    sent = client.post("/api/send-otp/", {"phone": phone}, content_type="application/json").json()
    body = {"phone": phone, "otp": outbox[-1].code, "client_name": name}
    answer = client.post("/api/verify-otp/", body, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["client_name"])
    left = client.get(f"/api/challenges/{sent['challenge_id']}/").json()["checks_left"]
    assert left == 5


def test_no_header_can_name_a_client(client, sign_in, listed):
    held = sign_in(**{"otp_app.client_name": "x", "otp-app.client-name": "x"})
    assert listed(held)[0]["client"] == ""


def test_the_list_shows_nothing_by_which_somebody_could_sign_in(client, sign_in):
    held = sign_in()
    text = client.get("/api/sessions/", headers=held).content.decode()
    assert bytes(Token.objects.get().digest).hex()[:16] not in text
    assert held["authorization"].removeprefix("Bearer otp_") not in text


def test_the_last_use_is_told_to_an_hour(sign_in, listed, clock):
    held = sign_in()
    (before,) = listed(held)
    clock.advance(2 * HOUR)
    listed(held)
    (after,) = listed(held)
    assert after["used_at"] > before["used_at"] == before["began_at"]


def test_a_session_of_a_release_that_told_less_is_listed_last(sign_in, listed):
    sign_in()
    Token.objects.update(began_at=None, client_name="", network="")
    held = sign_in()
    newest, oldest = listed(held)
    assert newest["current"]
    assert (oldest["began_at"], oldest["client"], oldest["network"]) == (None, "", "")


def test_what_has_expired_or_was_not_used_is_not_listed(sign_in, listed, clock, settings):
    sign_in()
    settings.OTP_TOKEN_IDLE = 2 * HOUR
    clock.advance(2 * HOUR)
    assert len(listed(sign_in())) == 1


def test_one_is_ended_at_once_and_told(client, sign_in, listed, status, heard, phone):
    other, own = sign_in(), sign_in()
    address = f"/api/sessions/{listed(other)[1]['id']}/"
    response = client.delete(address, headers=own)
    assert (response.status_code, response.content) == (204, b"")
    assert (status(other), status(own)) == (401, 200)
    assert heard == [(False, phone)]
    assert client.delete(address, headers=own).json()["code"] == "not_found"
    assert len(heard) == 1


def test_another_persons_session_is_not_found_and_goes_on(client, sign_in, listed, status):
    mine, theirs = sign_in(), sign_in(new_phone())
    (session,) = listed(theirs)
    response = client.delete(f"/api/sessions/{session['id']}/", headers=mine)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response["Content-Type"] == "application/problem+json"
    assert status(theirs) == 200


def test_the_others_are_ended_with_browsers_and_codes_for_sites_but_this_one_and_other_people_stay(
    client, sign_in, listed, status, phone, django_user_model, rf, monkeypatch
):
    others, own, stranger = [sign_in(), sign_in()], sign_in(), sign_in(new_phone())
    user = django_user_model.objects.get(phone=phone)
    browser = Client()
    browser.force_login(user)
    key = browser.session.session_key
    UserSession.objects.create(key=key, user=user, expires_at=browser.session.get_expiry_date())
    revoked = []
    monkeypatch.setattr(authorization_codes, "revoke_all", revoked.append)
    assert client.post("/api/sessions/end-others/", headers=own).status_code == 204
    assert [status(each) for each in (*others, own, stranger)] == [401, 401, 200, 200]
    assert not SessionStore().exists(key)
    assert revoked == [user]
    assert [each["current"] for each in listed(own)] == [True]


@pytest.mark.parametrize(("method", "address"), [("get", ""), ("delete", "x/"), ("post", "end-others/")])
def test_nobody_sees_or_ends_a_session_without_a_token(client, method, address):
    assert getattr(client, method)(f"/api/sessions/{address}").status_code == 401


def test_beyond_the_maximum_the_oldest_is_ended(sign_in, status, settings, heard, phone):
    settings.OTP_MAX_SESSIONS = 2
    held = [sign_in() for _ in range(4)]
    assert [status(each) for each in held] == [401, 401, 200, 200]
    assert heard == [(False, phone)] * 2


class OlderTokens:
    """A backend of a project, from before sessions could be listed."""

    ambient = False


def test_a_backend_that_lists_nothing_ends_nothing(settings, django_user_model):
    settings.OTP_TOKEN_BACKEND = f"{__name__}.OlderTokens"
    assert tokens.sessions.of(django_user_model.objects.create_user(new_phone())) == []


class TestBrowsers:
    """The same where sessions are kept instead of tokens."""

    @pytest.fixture(autouse=True)
    def _sessions(self, settings):
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        settings.SESSION_SAVE_EVERY_REQUEST = True

    @pytest.fixture
    def browser(self, outbox, phone, clock):
        def browser():
            clock.advance(HOUR)
            browser = Client(headers={"user-agent": FIREFOX})
            browser.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
            body = {"phone": phone, "otp": outbox[-1].code}
            browser.post("/api/verify-otp/", body, content_type="application/json")
            return browser

        return browser

    def test_they_are_listed_without_a_last_use_which_is_not_known(self, browser, listed):
        browser()
        second = browser().get("/api/sessions/").json()["sessions"]
        assert [(each["client"], each["used_at"]) for each in second] == [("Firefox, Windows", None)] * 2
        assert sorted(each["current"] for each in second) == [False, True]

    def test_another_is_ended_and_then_the_own_one(self, browser):
        first, own = browser(), browser()
        sessions = own.get("/api/sessions/").json()["sessions"]
        for each in sorted(sessions, key=lambda each: each["current"]):
            assert first.get("/api/me/").status_code == (200 if not each["current"] else 401)
            assert own.delete(f"/api/sessions/{each['id']}/").status_code == 204
        assert own.get("/api/me/").status_code == 401
        assert not UserSession.objects.exists()

    def test_a_session_that_django_has_forgotten_is_not_listed(self, browser, django_user_model, phone):
        browser().session.delete()
        user = django_user_model.objects.get(phone=phone)
        assert SessionTokens().sessions(user, None) == []
