"""A refused form: the person reads no blame, and the log names the setting that the operator should check."""

import logging

import pytest
from django.test import Client

from tests.web.visitor import Visitor, text_of

pytestmark = pytest.mark.django_db

SETUP = "If you came here by yourself, the mistake is in how this site is set up, not yours."
TOO_LONG = "This page was open for too long, or your browser keeps no cookies."


@pytest.fixture
def said(caplog):
    """Return our records in the operator's log."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.name == "otp_app.web"]


def refused(visitor, **headers):
    visitor.get()
    fields = {"phone": visitor.phone, "csrfmiddlewaretoken": visitor.token}
    page = visitor.client.post("/login/", fields, headers=headers)
    assert page.status_code == 403
    assert visitor.outbox == []
    return text_of(page)


OWN = {"origin": "https://testserver", "host": "testserver"}
ELSEWHERE = {"origin": "https://login.example.com", "sec-fetch-site": "same-origin"}
UNTRUSTED = "X-Forwarded-Proto: https, which is not trusted. Set OTP_TRUSTED_PROXIES to the number of your proxies"
MISSING = "requests come over http. Have the proxy that ends TLS set X-Forwarded-Proto"
HOST = "browsers name another host than the proxy does. Have the proxy send Host as it came"


@pytest.mark.parametrize(
    ("headers", "causes"),
    [
        (OWN | {"x-forwarded-proto": "https"}, [UNTRUSTED]),
        (OWN, [MISSING]),
        (OWN | {"x-forwarded-proto": "http"}, [MISSING]),
        (ELSEWHERE, [HOST, MISSING]),
    ],
)
def test_behind_a_proxy_that_is_set_up_wrong_the_page_blames_nobody_and_the_log_says_what_is_wrong(
    visitor, said, headers, causes
):
    text = refused(visitor, **headers)
    assert SETUP in text
    assert TOO_LONG not in text
    lines = said()
    assert [cause in line for cause, line in zip(causes, lines, strict=True)] == [True] * len(causes)


def test_it_is_said_once_however_often_it_happens(visitor, said, settings):
    settings.CSRF_COOKIE_SECURE = False
    for n in range(3):
        refused(visitor, origin=f"http://{n}.example.com", **{"sec-fetch-site": "same-origin"})
    (line,) = said()  # a page that needs no TLS does not miss it
    assert HOST in line
    assert "example.com" not in line  # nothing of what a stranger can write


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "cross-site"}])
def test_a_form_of_another_site_is_nothing_to_look_at(visitor, said, headers):
    assert TOO_LONG in refused(visitor, origin="https://evil.example", **headers)
    assert said() == []


@pytest.mark.requests
def test_over_http_browsers_keep_no_secure_cookies_and_that_is_the_sites_matter_too(outbox, said, settings):
    settings.CSRF_COOKIE_SECURE = True
    page = Client(enforce_csrf_checks=True).post("/login/", {"phone": "1"})
    assert page.status_code == 403
    assert SETUP in text_of(page)
    (line,) = said()
    assert MISSING in line


@pytest.mark.requests
@pytest.mark.parametrize("secure", [True, False])
def test_a_browser_without_cookies_is_told_so_where_it_could_keep_them(outbox, said, settings, secure):
    settings.CSRF_COOKIE_SECURE = secure
    visitor = Visitor(outbox)
    page = visitor.client.post("/login/", secure=secure, headers={"origin": "https://testserver"} if secure else {})
    assert page.status_code == 403
    assert TOO_LONG in text_of(page)
    assert said() == []


def test_a_token_that_is_no_good_is_an_old_page(visitor, said):
    visitor.get()
    page = visitor.post(phone=visitor.phone, csrfmiddlewaretoken="x" * 32)
    assert TOO_LONG in text_of(page)
    assert said() == []


def test_a_host_that_is_not_the_sites_own_is_no_fault_of_the_person(client):
    page = client.get("/login/", headers={"host": "elsewhere.example.com"})
    assert page.status_code == 400
    assert SETUP in text_of(page)
