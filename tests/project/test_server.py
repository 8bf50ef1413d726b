"""The bridge from granian to WSGI, piece by piece; tests/service runs it whole."""

import asyncio
import json
import os
import stat
from types import SimpleNamespace

import pytest

from otp_project import secret, server

pytestmark = pytest.mark.requests


class Headers(dict):
    def get_all(self, name):
        return self[name]

    def get(self, name):
        return self[name][0] if name in self else None


class Protocol:
    def __init__(self, *chunks):
        self.chunks = chunks
        self.answer = None

    async def __aiter__(self):
        for chunk in self.chunks:
            if chunk is None:
                await asyncio.sleep(60)
            yield chunk

    def response_empty(self, status, headers):
        self.answer = (status, headers, b"")

    def response_bytes(self, status, headers, content):
        self.answer = (status, headers, content)


def ask(*chunks, **request):
    return asyncio.run(asked(*chunks, **request))


async def asked(*chunks, headers=None, method="GET", path="/healthz"):
    scope = SimpleNamespace(
        method=method,
        path=path,
        query_string="a=%20b",
        http_version="1.1",
        scheme="http",
        server="127.0.0.1:8000",
        client="[2001:db8::1]:4711",
        headers=Headers(host=["localhost"], **(headers or {})),
    )
    protocol = Protocol(*chunks)
    await server.app(scope, protocol)
    return scope, protocol.answer


def test_a_request_is_answered_by_django():
    _, (status, headers, content) = ask()
    assert (status, content) == (200, b'{"status": "ok"}')
    assert ("Content-Type", "application/json") in headers


def test_the_environ_is_that_of_pep_3333():
    headers = {
        "x-forwarded-for": ["192.0.2.1", "192.0.2.2"],
        "content-type": ["text/plain"],
        "x_forwarded_for": ["9"],
        "cookie": ["a=1", "b=2"],
    }
    scope, _ = ask(headers=headers)
    scope.path, scope.query_string = "/я%61", "a=я"
    environ = server._environ(scope, b"body")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/я%61"  # decoded already, and never twice
    assert environ["QUERY_STRING"].encode("latin-1").decode() == "a=я"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["REMOTE_ADDR"] == "2001:db8::1"
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["CONTENT_LENGTH"] == "4"
    assert environ["wsgi.input"].read() == b"body"


def test_a_half_sent_body_ends_with_408_and_the_connection(monkeypatch):
    monkeypatch.setattr(server, "BODY_TIMEOUT_SECONDS", 0.05)
    _, (status, headers, _) = ask(b"{", None, headers={"content-length": ["9"]}, method="POST")
    assert status == 408
    assert ("connection", "close") in headers


def test_headers_of_which_django_can_make_no_request_are_400(monkeypatch):
    def refuse(*_):
        raise ValueError

    monkeypatch.setattr(server, "application", refuse)
    _, (status, _, _) = ask()
    assert status == 400


def test_a_body_shorter_than_it_says_is_400():
    _, (status, _, _) = ask(b"{}", headers={"content-length": ["3"]}, method="POST")
    assert status == 400


@pytest.mark.parametrize(
    "headers", [{"content-length": [str(server.MAX_READ_BYTES + 1)]}, {"transfer-encoding": ["chunked"]}]
)
def test_too_long_a_body_is_413_and_not_kept(headers):
    _, (status, _, _) = ask(*[b"x" * 65536] * 20, headers=headers, method="POST")
    assert status == 413


def body_of(size, *, declared=True):
    """Chunks, and the headers that announce them."""
    headers = {"content-length": [str(size)]} if declared else {"transfer-encoding": ["chunked"]}
    return [b"x" * 1000] * (size // 1000) + [b"x" * (size % 1000)], headers


@pytest.fixture
def held(monkeypatch):
    """The bodies of the requests that Django was asked."""
    bodies = []
    run = server._run_django

    def keep(environ):
        bodies.append(environ["wsgi.input"].getvalue())
        return run(environ)

    monkeypatch.setattr(server, "_run_django", keep)
    return bodies


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/login/", 16 * 1024),
        ("/healthz", 16 * 1024),
        ("/static/x", 16 * 1024),
        ("*", 16 * 1024),
        ("/admin/login/", 1024 * 1024),
    ],
)
def test_a_body_longer_than_its_path_may_take_is_refused_without_django(held, path, most, declared):
    chunks, headers = body_of(most + 1, declared=declared)
    _, (status, answered, _) = ask(*chunks, headers=headers, method="POST", path=path)
    assert (status, held) == (413, [])
    assert ("connection", "close") in answered
    chunks, headers = body_of(most, declared=declared)
    ask(*chunks, headers=headers, method="POST", path=path)
    assert held == [b"x" * most]


def test_of_long_bodies_only_so_many_are_kept_at_once_and_short_ones_do_not_wait_for_them(held, monkeypatch):
    monkeypatch.setattr(server, "_long", places := asyncio.Semaphore(2))
    half_sent = ([b"x" * (server.SHORT_BODY_BYTES + 1), None], {"content-length": ["99999"]})
    long, short = body_of(server.SHORT_BODY_BYTES + 1), body_of(server.SHORT_BODY_BYTES)

    async def at_once(*bodies):
        asking = [asked(*chunks, headers=headers, method="POST", path="/admin/x/") for chunks, headers in bodies]
        return [status for _, (status, _, _) in await asyncio.gather(*asking)]

    async def play():
        slow = asyncio.create_task(at_once(half_sent, half_sent))  # they have their places for ten seconds
        for _ in range(2):  # until the two have begun
            await asyncio.sleep(0)
        assert places.locked()
        with monkeypatch.context() as patched:
            patched.setattr(server, "BODY_TIMEOUT_SECONDS", 0.2)
            assert await at_once(long, short) == [408, 403]  # Django's word for a form without its token
        slow.cancel()
        return await at_once(long, long, long, long)

    assert asyncio.run(play()) == [403] * 4  # places are given back
    assert len(held) == 5


API = ("/api/send-otp/", "/api/me/", "/api/challenges/x/", "/api/schema/", "/api/docs/", "/api/nothing/")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("size", [4 * 1024 + 1, server.MAX_READ_BYTES, server.MAX_READ_BYTES + 1])
@pytest.mark.parametrize("path", API)
def test_the_api_refuses_by_the_length_in_the_words_of_the_client_and_the_body_is_not_kept(held, path, size, declared):
    chunks, headers = body_of(size, declared=declared)
    headers |= {"content-type": ["application/json"], "accept-language": ["ru"]}
    _, (status, answered, content) = ask(*chunks, headers=headers, method="POST", path=path)
    assert (status, json.loads(content)["code"]) == (413, "too_large")
    assert ("Content-Type", "application/problem+json") in answered
    assert "больше" in json.loads(content)["detail"]
    assert ("connection", "close") in answered
    assert held == [b""]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("declared", [True, False])
def test_a_report_may_be_64_kb_long_and_no_longer(held, declared):
    for size, expected in ((64 * 1024, 404), (64 * 1024 + 1, 413)):  # there is no company of that name
        chunks, headers = body_of(size, declared=declared)
        _, (status, _, _) = ask(*chunks, headers=headers, method="POST", path="/api/webhooks/nobody/")
        assert status == expected
    assert [len(body) for body in held] == [64 * 1024, 0]


class TestSecret:
    def test_it_is_made_once_kept_and_readable_by_its_owner_only(self, tmp_path):
        path = tmp_path / "key"
        made = secret.read_or_make_secret(path)
        assert len(made) >= 50
        assert secret.read_or_make_secret(path) == made
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_of_two_first_runs_at_once_both_get_the_same(self, tmp_path, monkeypatch):
        path = tmp_path / "key"
        link = os.link

        def slower(source, target):
            path.write_text("the other's")
            link(source, target)

        monkeypatch.setattr(os, "link", slower)
        assert secret.read_or_make_secret(path) == "the other's"
        assert list(tmp_path.iterdir()) == [path]
