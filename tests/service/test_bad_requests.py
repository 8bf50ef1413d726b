"""Requests that are wrong below JSON: framing, headers, hosts, lost connections."""

import json
import resource
import select
import socket
import time
from contextlib import ExitStack

import pytest

from .talking import get, messages_to, phone, post, raw, status_of

HEAD = b"POST /api/send-otp/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"


def body_for(number):
    return json.dumps({"phone": number}).encode()


@pytest.mark.parametrize(
    "lengths",
    [
        *(
            b"Content-Length: abc\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: +26\r\n",
            b"Content-Length: 0x1a\r\n",
        ),
        *(b"Content-Length: 26, 27\r\n", b"Content-Length: 26\r\nContent-Length: 27\r\n", b"Content-Length: \r\n"),
        *(b"Content-Length: " + b"9" * 30 + b"\r\n", b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: x\r\n"),
        *(b"Content-Length: 10\r\n", b"Content-Length: 25\r\n", b"Content-Length: 0\r\n", b""),
    ],
)
def test_a_wrong_length_is_refused(service, lengths):
    number = phone()
    assert status_of(raw(service, HEAD + lengths + b"\r\n" + body_for(number) + b"\r\n")) in (400, 413)
    assert messages_to(service, number) == []


def test_a_body_shorter_than_it_says_is_not_acted_on(service):
    number = phone()
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(HEAD + b"Content-Length: 90\r\n\r\n" + body_for(number))
    time.sleep(0.5)  # there is no answer to wait for
    assert messages_to(service, number) == []


def test_a_path_is_decoded_once_so_that_a_rule_of_a_proxy_means_what_it_says(service):
    assert get(service, "/%68ealthz").status == 200
    assert get(service, "/%2568ealthz").status == 404
    assert get(service, "/%2561dmin/login/").status == 404


@pytest.mark.parametrize("line", ["GET /admin/login/?next=\u0434 HTTP/1.1", "GET /\u0434 HTTP/1.1"])
def test_raw_bytes_in_an_address_are_no_crash(service, line):
    sent = line.encode() + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert status_of(raw(service, sent)) in (200, 302, 400, 404)


def test_a_parameter_of_the_content_type_that_cannot_be_read_changes_nothing(service):
    number = phone()
    head = HEAD.replace(b"application/json", b"application/json; a*=nope''x")
    body = body_for(number)
    assert status_of(raw(service, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)) == 200
    assert len(messages_to(service, number)) == 1


@pytest.mark.parametrize(("path", "size"), [("/login/", 17_000), ("/login/", 1_000_000), ("/account/", 100_000)])
def test_too_long_a_form_gets_an_answer(service, path, size):
    assert post(service, path, b"a=" + b"b" * size).status == 413


def test_staff_may_send_long_forms(service):
    assert post(service, "/admin/login/", b"a=" + b"b" * 1_000_000).status == 403  # it has no token of the page


def test_what_is_no_http_is_refused(service):
    for sent in (b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 5000):
        assert status_of(raw(service, sent + b"\r\n\r\n")) in (400, 505, None)
    assert get(service, "/healthz").status == 200


def test_huge_headers_are_refused(service):
    number = phone()
    body = b"Content-Length: 26\r\n\r\n" + body_for(number)
    for headers in (b"X-Big: " + b"a" * 2_000_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % n for n in range(500))):
        assert status_of(raw(service, HEAD + headers + body)) in (431, None)
    assert status_of(raw(service, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n")) in (414, 431)
    assert messages_to(service, number) == []


@pytest.mark.parametrize(
    "name", [b"X-Forwarded-For", b"Accept-Language", b"Origin", b"Cookie", b"User-Agent", b"Idempotency-Key"]
)
def test_headers_of_16_kb_are_all_that_anybody_may_have_remembered(service, name):
    sent = b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%b: %b\r\n\r\n"
    assert status_of(raw(service, sent % (name, b"a" * 15_000))) == 200
    assert status_of(raw(service, sent % (name, b"a" * 17_000))) == 431


@pytest.mark.parametrize("begun", [b"", HEAD, HEAD + b"Content-Length: 90\r\n\r\n{"])
def test_who_says_nothing_or_half_of_it_keeps_nobody_from_being_answered(service, begun):
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2048, files[1]), files[1]))
    try:
        with ExitStack() as open_ones:
            idle = [open_ones.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(1200)]
            for one in idle:
                one.sendall(begun)
            assert get(service, "/healthz").status == 200
            closed = select.poll()
            for one in idle:
                closed.register(one, select.POLLIN)
            assert closed.poll(0) == []  # for that none of them had to end
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1@evil.example", "127.0.0.1.evil.example", "a b", "", "["])
def test_a_foreign_host_is_refused_and_reaches_no_message(service, host):
    number = phone()
    assert post(service, "/api/send-otp/", {"phone": number}, headers={"Host": host}).status == 400
    assert messages_to(service, number) == []
    forwarded = {"X-Forwarded-Host": host, "X-Forwarded-Server": host, "Forwarded": f'host="{host}"'}
    assert post(service, "/api/send-otp/", {"phone": number}, headers=forwarded).status == 200
    (message,) = messages_to(service, number)
    assert "evil" not in message["body"]


def test_a_foreign_host_leaves_a_line_in_the_log_and_health_is_answered_by_any(service):
    host = f"{phone()[1:]}.example"
    assert get(service, "/login/", headers={"Host": host}).status == 400
    assert f"refused a request for the host '{host}', which is not in ALLOWED_HOSTS" in service.output
    for path in ("/healthz", "/readyz"):
        assert get(service, path, headers={"Host": host}).json["status"] == "ok"
        assert b" 200 OK\r\n" in raw(service, f"GET {path} HTTP/1.0\r\n\r\n".encode())  # as some balancers ask


def test_headers_that_are_no_text_are_no_reason_to_crash(service):
    number = phone()
    for name in (b"Accept-Language", b"X-Forwarded-For", b"Authorization", b"Accept", b"Cookie", b"Origin", b"X-Any"):
        for value in (b"\xff\xfe", b"a" * 15_000, b",,,;q=,", b"\xe2\x80\xae", b"%00", b"uz;q=9e99, \xc0"):
            received = raw(service, HEAD + name + b": " + value + b"\r\nContent-Length: 2\r\n\r\n{}")
            assert status_of(received) == 400, (name, value, received[:500])
            assert b'"invalid_request"' in received
    for value in (b"Bearer otp_\xff", b"Bearer", b"Bearer ", b"Token x y", b"Basic \xff", b"Bearer otp_" + b"a" * 5000):
        for method, path in ((b"GET", b"/api/me/"), (b"POST", b"/api/logout/")):
            head = method + b" " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n"
            received = raw(service, head + b"Authorization: " + value + b"\r\n\r\n")
            assert status_of(received) == 401, (value, received[:500])
            assert b'"not_authenticated"' in received
    assert messages_to(service, number) == []


def test_odd_spellings_of_an_address_are_that_address_or_none(service):
    number = phone()
    assert post(service, "/api/send-otp?x=1&x=%ff%00", {"phone": number}).status == 200
    for path in ("//api/send-otp/", "/api//send-otp/", "/api/send-otp/.", "/api/send-otp%00/", "/api/send-otp/%ff"):
        assert post(service, path, {"phone": number}).status == 404
    assert len(messages_to(service, number)) == 1
