"""Talking to a provider: what an accident on the line means, and where secrets are compared."""

import logging
import ssl
import threading

import pytest
from requests import exceptions
from urllib3.exceptions import MaxRetryError, SSLError

from otp_app.providers import http
from otp_app.providers.base import Forged, NotAccepted, Provider, Report, Unknown, Unsuited
from otp_app.testing.contracts.gateway import gateway
from otp_app.testing.contracts.providers import MESSAGE


def broken(reason):
    """As requests tells of an accident with TLS."""
    return exceptions.SSLError(MaxRetryError(None, "/", SSLError(reason)))


@pytest.mark.parametrize(
    ("accident", "meaning", "reason"),
    [
        (broken(ssl.SSLCertVerificationError("self-signed")), NotAccepted, "tls"),
        (broken(ssl.SSLError("decryption failed or bad record mac")), Unknown, "tls"),
        (exceptions.SSLError("something"), Unknown, "tls"),
        (exceptions.SSLError(), Unknown, "tls"),
        (exceptions.MissingSchema(), NotAccepted, "misconfigured"),
        (exceptions.ConnectTimeout(), NotAccepted, "connect_timeout"),
        (exceptions.ReadTimeout(), Unknown, "timeout"),
        (exceptions.ConnectionError(), Unknown, "connection_lost"),
        (exceptions.ChunkedEncodingError(), Unknown, "connection_lost"),
        (OSError(), Unknown, "connection_lost"),
    ],
)
def test_what_may_have_been_heard_is_unknown(accident, meaning, reason):
    with pytest.raises(meaning, match=reason) as raised, http.translated():
        raise accident
    assert type(raised.value) is meaning
    assert raised.value.__suppress_context__


def test_a_server_that_speaks_no_tls_is_not_believed_to_have_heard_nothing():
    with gateway() as server, pytest.raises(Unknown, match="tls"):
        http.Http(server.url.replace("http:", "https:")).get("/")


SURELY_NOT, NOT_THIS, PERHAPS = (401, 402, 403, 404, 429, 503), (400, 409, 422), (200, 302, 408, 500, 502, 504)


@pytest.mark.parametrize("status", [*SURELY_NOT, *NOT_THIS, *PERHAPS])
def test_a_status_by_itself_means_that_it_was_surely_not_taken_or_perhaps(status):
    word = NotAccepted if status in SURELY_NOT else Unsuited if status in NOT_THIS else Unknown
    assert type(http.refusal(status)) is word
    assert http.refusal(status).reason == str(status)
    assert http.refusal(status, "x" * 99).reason == "x" * 64


@pytest.mark.parametrize("given", ["", "secre", "secrets", "\ud800", "\u0661"])
def test_only_the_secret_is_the_secret(given):
    with pytest.raises(Forged):
        http.require_secret(Report("", {}, {"secret": given}, b""), "secret")
    with pytest.raises(Forged):
        http.require_secret(Report("", {}, {"secret": given}, b""), "")
    http.require_secret(Report("", {}, {"secret": "secret"}, b""), "secret")


def test_a_provider_says_itself_how_it_sends():
    with pytest.raises(NotImplementedError):
        Provider().send(MESSAGE)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((201, " " * (http.MAX_REPLY_BYTES + 1)), "timeout"),  # nobody has that much to say
        ("drip", "timeout"),  # each byte in time, and no end of them
    ],
)
def test_a_reply_has_an_end(monkeypatch, answer, reason):
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.5)
    monkeypatch.setattr(http, "CONNECT_TIMEOUT", 0.5)
    with gateway(answer=answer) as server, pytest.raises(Unknown, match=reason):
        http.Http(server.url).post("/", json={})


def test_a_reply_that_breaks_off_is_lost():
    with gateway(answer="drip") as server:
        threading.Timer(0.3, server.release.set).start()  # the server closes in the middle of it
        with pytest.raises(Unknown, match="connection_lost"):
            http.Http(server.url).get("/")


def test_addresses_are_not_written_down(caplog):
    caplog.set_level(logging.DEBUG)
    with gateway() as server:
        http.Http(server.url).get("/", params={"to": "998901234567", "text": "your code is 123456"})
    assert "998901234567" not in caplog.text
