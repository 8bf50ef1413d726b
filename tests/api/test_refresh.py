"""Clients whose tokens are JWTs get a refresh token with them, replace it, and see their sessions as all others do."""

import json

import pytest
from django.core.management import call_command

from otp_app.accounts import authorization_codes
from otp_app.models import RefreshToken
from tests.factories import new_phone
from tests.sites import BACK, VERIFIER, answer_in, new_site, requested

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

URL = "/api/token/refresh/"
HOUR = 3600


@pytest.fixture(autouse=True)
def _jwt(settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"


@pytest.fixture
def post(client):
    def post(path, body, **headers):
        return client.post(path, body, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def phone():
    return new_phone()


@pytest.fixture
def sign_in(post, outbox, phone, clock):
    def sign_in(**headers):
        clock.advance(HOUR)
        post("/api/send-otp/", {"phone": phone})
        return post("/api/verify-otp/", {"phone": phone, "otp": outbox[-1].code}, **headers).json()

    return sign_in


def bearer(answer):
    return {"authorization": f"Bearer {answer['token']}"}


@pytest.mark.parametrize("path", [URL, URL.rstrip("/")])
def test_a_refresh_token_is_answered_with_a_new_pair(sign_in, post, client, path):
    first = sign_in()
    assert first["expires_in"] == 600
    response = post(path, {"refresh_token": first["refresh_token"]})
    second = response.json()
    assert (response.status_code, set(second)) == (200, {"token", "expires_in", "refresh_token"})
    assert response["Cache-Control"] == "no-store"
    assert second["refresh_token"] != first["refresh_token"]
    assert client.get("/api/me/", headers=bearer(second)).json()["id"] == first["user"]["id"]


def test_an_access_token_ends_and_the_session_goes_on(sign_in, post, client, clock):
    first = sign_in()
    clock.advance(601)
    assert client.get("/api/me/", headers=bearer(first)).status_code == 401
    second = post(URL, {"refresh_token": first["refresh_token"]}).json()
    assert client.get("/api/me/", headers=bearer(second)).status_code == 200


def test_a_reuse_is_told_apart_from_a_token_that_is_none(sign_in, post, clock):
    first = sign_in()["refresh_token"]
    second = post(URL, {"refresh_token": first}).json()["refresh_token"]
    clock.advance(31)
    answers = [post(URL, {"refresh_token": token}) for token in (first, first, second, "x")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (401, "refresh_reused"),
        *[(401, "not_authenticated")] * 3,
    ]
    assert {each["WWW-Authenticate"] for each in answers} == {"Bearer"}


@pytest.mark.parametrize("body", [{}, {"refresh_token": 1}, {"refresh_token": ""}, {"refresh_token": "x", "more": 1}])
def test_a_body_of_another_form_is_refused(post, body):
    assert post(URL, body).json()["code"] == "invalid_request"


def test_no_cookie_refreshes_anything(sign_in, client):
    sign_in()
    assert client.post(URL, content_type="application/json").json()["code"] == "invalid_request"


def test_where_tokens_are_not_refreshed_there_is_no_refresh_token(sign_in, post, settings):
    first = sign_in()
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.opaque.OpaqueTokens"
    assert "refresh_token" not in sign_in()
    assert post(URL, {"refresh_token": first["refresh_token"]}).json()["code"] == "not_authenticated"


def test_a_verification_that_is_repeated_brings_the_same_refresh_token(sign_in, post, outbox, phone):
    post("/api/send-otp/", {"phone": phone})
    body = {"phone": phone, "otp": outbox[-1].code}
    answers = [post("/api/verify-otp/", body, idempotency_key="one") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["refresh_token"]
    assert RefreshToken.objects.count() == 1


def test_another_site_gets_a_refresh_token_too(post, django_user_model, phone):
    site = new_site()
    address = authorization_codes.issue(requested(site), django_user_model.objects.create_user(phone))
    body = {"client": site.pk, "redirect_uri": BACK, "code": answer_in(address)["code"], "code_verifier": VERIFIER}
    answer = post("/api/token/", body).json()
    assert set(answer) == {"token", "expires_in", "refresh_token", "user"}
    assert post(URL, {"refresh_token": answer["refresh_token"]}).status_code == 200


def test_sessions_are_listed_and_ended_at_once(sign_in, post, client):
    other, own = sign_in(user_agent="Bazaar/2.1 (Android 15)"), sign_in()
    listed = client.get("/api/sessions/", headers=bearer(own)).json()["sessions"]
    assert [(each["client"], each["current"]) for each in listed] == [("", True), ("Bazaar, Android", False)]
    assert client.delete(f"/api/sessions/{listed[1]['id']}/", headers=bearer(own)).status_code == 204
    assert [client.get("/api/me/", headers=bearer(each)).status_code for each in (other, own)] == [401, 200]
    assert post(URL, {"refresh_token": other["refresh_token"]}).status_code == 401
    assert post(URL, {"refresh_token": own["refresh_token"]}).status_code == 200


def test_the_last_use_of_a_session_is_its_last_refresh(sign_in, post, client, clock):
    first = sign_in()
    clock.advance(2 * HOUR)
    second = post(URL, {"refresh_token": first["refresh_token"]}).json()
    (session,) = client.get("/api/sessions/", headers=bearer(second)).json()["sessions"]
    assert session["used_at"] > session["began_at"]


@pytest.mark.parametrize("path", ["/api/logout/", "/api/logout-everywhere/"])
def test_who_signs_out_cannot_refresh(sign_in, post, path):
    first = sign_in()
    assert post(path, {}, **bearer(first)).status_code == 204
    assert post(URL, {"refresh_token": first["refresh_token"]}).json()["code"] == "not_authenticated"


def test_beyond_the_maximum_the_oldest_session_is_ended(sign_in, post, settings):
    settings.OTP_MAX_SESSIONS = 1
    first, second = sign_in(), sign_in()
    answers = [post(URL, {"refresh_token": each["refresh_token"]}).status_code for each in (first, second)]
    assert answers == [401, 200]


def test_the_keys_are_public_may_be_kept_and_hold_nothing_private(sign_in, client):
    assert client.get("/.well-known/jwks.json").json() == {"keys": []}
    sign_in()
    call_command("otp_keys", "--rotate", verbosity=0)
    response = client.get("/.well-known/jwks.json")
    assert response["Cache-Control"] == "public, max-age=300"
    keys = response.json()["keys"]
    assert len(keys) == 2
    assert {frozenset(key) for key in keys} == {frozenset({"kty", "crv", "x", "y", "use", "alg", "kid"})}
    assert '"d"' not in json.dumps(keys)
