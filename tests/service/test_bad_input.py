"""Whatever is sent to the running service, it is refused as documented: no crash, no message, no check spent."""

import json

import pytest

from .naughty import PHONES, codes
from .talking import Call, code_of, messages, phone, post, raw, send, status_of, together, verify

SEND, VERIFY = "/api/send-otp/", "/api/verify-otp/"
NO_TEXTS = [0, 998901234567, -1, 1.5, 1e308, True, False, None, [], {}, ["+998901234567"], {"a": 1}, [[[]]]]
DEEP = b'{"phone": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
DEEP_BUT_SMALL = b'{"phone": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"


@pytest.fixture
def challenge(service):
    """An open challenge: its phone, id and code. However a test treats it, no message is sent and no check spent."""
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    code, sent = code_of(service, challenge_id), len(messages(service))
    yield number, challenge_id, code
    assert len(messages(service)) == sent
    assert service.challenge(challenge_id)["checks_left"] == 5
    assert verify(service, number, code, challenge_id).status == 200


def refused(service, path, body, *codes, **options):
    """The answer to a body (bytes, or what JSON is made of), which must be one of these refusals."""
    answer = post(service, path, body, **options)
    assert answer.status < 500, (body, answer.body[:2000])
    assert answer.code in codes, (body, answer.body)
    return answer


def test_only_texts_are_phones_codes_and_ids(service, challenge):
    number, challenge_id, code = challenge
    for value in NO_TEXTS:
        for path, body in (
            (SEND, {"phone": value}),
            (SEND, {"phone": number, "challenge_id": value}),
            (SEND, {"phone": number, "channel": value}),
            (VERIFY, {"phone": value, "otp": code}),
            (VERIFY, {"phone": number, "otp": value}),
            (VERIFY, {"phone": number, "otp": code, "challenge_id": value}),
            (VERIFY, {"phone": number, "otp": int(code), "challenge_id": challenge_id}),
        ):
            answer = refused(service, path, body, "invalid_request")
            assert set(answer.json["errors"]) <= set(body)


@pytest.mark.parametrize("path", [SEND, VERIFY])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="no body"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00", id="NUL"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"+998901234567"', id="a text"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"phone": "+998901234567"', id="half"),
        pytest.param(b'{"phone": "+998901234567"}{}', id="two"),
        pytest.param(b'{"phone": "+998901234567",}', id="a trailing comma"),
        pytest.param(b"{'phone': '+998901234567'}", id="single quotes"),
        pytest.param(b'{"phone": NaN}', id="NaN"),
        pytest.param(b'{"phone": -Infinity}', id="Infinity"),
        pytest.param(b'{"phone": 1e999}', id="a number beyond all numbers"),
        pytest.param(b'{"phone": ' + b"9" * 4000 + b"}", id="a long number"),
        pytest.param(b'{"phone": "\xff\xfe"}', id="no UTF-8"),
        pytest.param(b'{"phone": "\xed\xa0\x80"}', id="a surrogate as bytes"),
        pytest.param(b'\xef\xbb\xbf{"phone": "+998901234567"}', id="a byte order mark"),
        pytest.param('{"phone": "+998901234567"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"phone": "+998901234567", "phone": "+998901234567"}', id="a key twice"),
        pytest.param(b'{"phone": "+998901234567", "\\u0070hone": "+998901234567"}', id="a key twice in two spellings"),
        pytest.param(b'{"phone": {"a": 1, "a": 2}}', id="a key twice within"),
        pytest.param(b'{"phone": "+998901234567", "otp": "123456", "extra": 1}', id="an unknown field"),
        pytest.param(b'{"phone": "+998901234567", "\\ud800": 1, "\\udfff\\ud800": 2}', id="a surrogate as a field"),
        pytest.param(b'{"phone": "+998901234567", "__proto__": {"otp": "1"}, "": 1}', id="fields of other languages"),
        pytest.param(DEEP_BUT_SMALL, id="deep"),
        pytest.param(b'{"phone\\u0000": "+998901234567"}', id="NUL in a field"),
    ],
)
def test_what_is_no_json_object_of_the_documented_form_is_refused(service, challenge, path, body):
    answer = refused(service, path, body, "invalid_request", headers={"Content-Type": "application/json"})
    assert answer.status == 400
    answer.body.decode()


@pytest.mark.parametrize("path", [SEND, VERIFY])
@pytest.mark.parametrize("body", [DEEP, b'{"phone": "' + b"9" * 4100 + b'"}'], ids=["50,000 deep", "over 4 KB"])
def test_a_body_over_4_kb_is_too_large(service, challenge, path, body):
    assert refused(service, path, body, "too_large").status == 413
    length, chunked = f"{len(body):x}\r\n".encode(), {"Transfer-Encoding": "chunked"}
    assert refused(service, path, length + body + b"\r\n0\r\n\r\n", "too_large", headers=chunked).status == 413


def test_a_body_of_5_mb_is_refused_unread(service, challenge):
    head = b"POST /api/send-otp/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    assert status_of(raw(service, head + b"Content-Length: 5242880\r\n\r\n")) == 413  # not a byte of it was sent
    chunks = b"".join(b"10000\r\n" + b"9" * 65536 + b"\r\n" for _ in range(80))
    assert status_of(raw(service, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)) in (413, None)


@pytest.mark.parametrize("path", [SEND, VERIFY])
@pytest.mark.parametrize(
    "kind",
    [
        *(
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain",
            "text/json",
            "*/*",
            "x",
        ),
        *("application/problem+json", "application/jsonp", "application/xml", "", "application/json, text/plain"),
    ],
)
def test_only_json_is_read(service, challenge, path, kind):
    body = b'{"phone": "+998901234567", "otp": "123456"}'
    assert refused(service, path, body, "unsupported_media_type", headers={"Content-Type": kind}).status == 415
    form = b"phone=%2B998901234567&otp=123456"
    assert refused(service, path, form, "unsupported_media_type", headers={"Content-Type": kind}).status == 415


@pytest.mark.parametrize("path", [SEND, VERIFY])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_only_post_is_answered(service, challenge, path, method):
    answer = refused(service, path, {"phone": "+998901234567"}, "method_not_allowed", method=method)
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]


def test_a_chunked_body_is_a_body(service):
    number = phone()
    body = json.dumps({"phone": number}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    answer = post(service, SEND, chunks, headers={"Transfer-Encoding": "chunked"})
    assert answer.status == 200, answer.body
    code = code_of(service, answer.json["challenge_id"])
    assert verify(service, number, code).status == 200


def test_naughty_phones_are_no_phones(service, challenge):
    _, _, code = challenge
    assert len(PHONES) > 400
    for naughty in PHONES:
        for path, body in ((SEND, {"phone": naughty}), (VERIFY, {"phone": naughty, "otp": code})):
            refused(service, path, body, "invalid_phone", "region_not_allowed")


def test_naughty_codes_cost_no_check(service, challenge):
    number, challenge_id, code = challenge
    for naughty in codes(code):
        refused(service, VERIFY, {"phone": number, "otp": naughty, "challenge_id": challenge_id}, "invalid_request")
        refused(service, VERIFY, {"phone": number, "otp": naughty}, "invalid_request")


def test_naughty_ids_are_the_ids_of_nothing(service, challenge):
    number, challenge_id, code = challenge
    wrong = ["invalid_or_expired_code", "invalid_request"]
    spellings = [challenge_id.upper(), f"{{{challenge_id}}}", f"urn:uuid:{challenge_id}", challenge_id[:-1], "0" * 32]
    for naughty in (*spellings, f"{challenge_id} ", f"{challenge_id}\x00", *(text[:64] for text in PHONES[:150])):
        refused(service, VERIFY, {"phone": number, "otp": code, "challenge_id": naughty}, *wrong)
        refused(service, SEND, {"phone": number, "challenge_id": naughty}, *wrong)


def test_naughty_requests_at_once_hurt_no_more_than_one_by_one(service, challenge):
    number, _, code = challenge
    bodies = [{"phone": number, "otp": naughty} for naughty in codes(code)]
    answers = together([Call(service, VERIFY, body) for body in bodies])
    assert {(answer.status, answer.code) for answer in answers} == {(400, "invalid_request")}
