"""The API with Django's sessions instead of tokens."""

import pytest
from django.test import Client

from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


@pytest.fixture(autouse=True)
def _session(settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"


@pytest.fixture
def browser(outbox):
    """Return a browser that has signed in: it sends cookies, and Django checks its CSRF token."""
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")  # hands out the CSRF cookie
    before = browser.session.session_key
    phone = new_phone()
    browser.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
    body = {"phone": phone, "otp": outbox[-1].code}
    answer = browser.post("/api/verify-otp/", body, content_type="application/json").json()
    assert answer["token"] is None
    assert answer["expires_in"] > 0
    assert browser.session.session_key != before
    browser.phone = phone
    return browser


def test_the_cookie_signs_in(browser):
    assert browser.get("/api/me/").json()["phone"] == browser.phone


def test_a_request_of_another_site_changes_nothing(browser):
    response = browser.post("/api/logout/")
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert browser.get("/api/me/").status_code == 200


def test_a_logout_with_the_csrf_token_ends_the_session(browser, settings):
    token = browser.cookies[settings.CSRF_COOKIE_NAME].value
    assert browser.post("/api/logout/", headers={"x-csrftoken": token}).status_code == 204
    assert browser.get("/api/me/").status_code == 401
