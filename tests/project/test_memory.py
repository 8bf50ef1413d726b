"""Headers that strangers write stay in no memory: neither in ours, nor in Django's, nor in Python's."""

import encodings
import gc
import io
import tracemalloc

import pytest
from django.test import RequestFactory

from otp_app.api import idempotency
from otp_project import wsgi

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests, pytest.mark.once]

LONG = 15_000  # characters: what the server lets through
COUNT = 30
HEADERS = {
    "an address": "HTTP_X_FORWARDED_FOR",
    "a language": "HTTP_ACCEPT_LANGUAGE",
    "a site": "HTTP_ORIGIN",
    "a host": "HTTP_HOST",
    "a program": "HTTP_USER_AGENT",
    "a token": "HTTP_AUTHORIZATION",
    "a key": "HTTP_IDEMPOTENCY_KEY",
}
COOKIES = ("django_language", "__Host-otp_device", "__Host-csrftoken", "__Host-sessionid")


def ask(path, **headers):
    body = b"{}"
    method = "POST" if path.startswith("/api/send") else "GET"
    environ = RequestFactory().generic(method, path, body, "application/json").environ
    told = []
    environ |= headers | {"wsgi.input": io.BytesIO(body)}
    b"".join(wsgi.application(environ, lambda status, *_: told.append(status)))
    return told


def left_by(path, headers):
    """The bytes by which memory grows in requests whose headers ``headers`` makes of a number."""
    for number in range(20):
        ask(path, **headers(-number))
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(COUNT):
            ask(path, **headers(number))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def hosts(settings):
    settings.ALLOWED_HOSTS, settings.OTP_TRUSTED_PROXIES = ["testserver"], 1


@pytest.mark.parametrize("path", ["/login/", "/api/send-otp/"])
@pytest.mark.parametrize("name", HEADERS.values(), ids=HEADERS)
def test_a_long_header_is_forgotten(path, name):
    start = "en-" if name == "HTTP_ACCEPT_LANGUAGE" else "Bearer otp_" if name == "HTTP_AUTHORIZATION" else ""
    left = left_by(path, lambda number: {name: f"{start}{number}{'x' * LONG}"})
    assert left < COUNT * LONG / 3


@pytest.mark.parametrize("path", ["/admin/login/", "/api/schema/"])
@pytest.mark.parametrize("name", COOKIES)
def test_a_long_cookie_is_forgotten(path, name):
    left = left_by(path, lambda number: {"HTTP_COOKIE": f"{name}=en-{number}-{'x' * LONG}"})
    assert left < COUNT * LONG / 3


@pytest.mark.parametrize("path", ["/login/", "/api/send-otp/", "/healthz", "/nothing"])
@pytest.mark.parametrize("spelling", ["; charset=x%d", ';charset="x%d"', "; boundary=a; CHARSET=x%d"])
def test_of_charsets_that_there_are_not_python_remembers_none(path, spelling):
    known = len(encodings._cache)
    for number in range(50):
        ask(path, CONTENT_TYPE="application/x-www-form-urlencoded" + spelling % number)
    assert len(encodings._cache) <= known + 2  # one of ours may have been met for the first time


@pytest.mark.parametrize("parameter", ["charset*=x%d''utf-8", "a*=x%d''b", "a*0*=x%d''b"])
def test_a_charset_of_a_parameter_is_refused(parameter):
    known = len(encodings._cache)
    for number in range(50):
        told = ask("/api/send-otp/", CONTENT_TYPE="application/json; " + parameter % number)
        assert told == ["400 Bad Request"]  # under any server: an exception would be its 500, with a traceback
    assert len(encodings._cache) == known


def test_the_name_of_a_body_is_short_however_long_the_body_is():
    assert {len(idempotency._digest({"proof": length * "é"})) for length in (1, 2048)} == {64}
