"""Only requests of the documented shape are served; a refused one loses, spends and sends nothing."""

import json

import pytest

from otp_app.api.views import SendView
from otp_app.models import ChallengeRow, Counter

pytestmark = pytest.mark.django_db

GOOD = '{"phone": "+998901234567"}'


def post(client, raw, content_type="application/json", path="/api/send-otp/"):
    return client.post(path, raw, content_type=content_type)


@pytest.fixture(autouse=True)
def _nothing_is_sent_or_charged(outbox, db):
    yield
    assert outbox == []
    assert not ChallengeRow.objects.exists()
    assert not Counter.objects.exists()


@pytest.mark.parametrize("value", [998901234567, 1.5, True, None, [], ["+998901234567"], {}, {"a": "b"}])
@pytest.mark.parametrize("field", ["phone", "otp", "challenge_id"])
def test_only_a_json_string_is_text(client, field, value):
    body = {"phone": "+998901234567", "otp": "123456", "challenge_id": "0" * 32} | {field: value}
    response = post(client, json.dumps(body), path="/api/verify-otp/")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert list(response.json()["errors"]) == [field]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "nothing",
        "[]",
        "null",
        '"text"',
        "[" * 2000 + "]" * 2000,
        '{"a":' * 600 + "1" + "}" * 600,
        '{"phone": NaN}',
        '{"phone": Infinity}',
        '{"phone": "+998901234567", "phone": "+998901234568"}',
        b'{"phone": "\xff\xfe"}',
        GOOD.encode("utf-16"),
        '{"phone": "+998901234567"} {}',
        '{"phone": "+998901234567", "surprise": 1}',
        '{"phone": "+998901234567", "\\ud800": 1}',
        '{"phone": "+998901234567", "channel": "pigeon"}',
        '{"phone": "+998901234567", "challenge_id": ""}',
        '{"phone": "+998901234567", "challenge_id": "' + "0" * 65 + '"}',
    ],
)
def test_what_is_not_one_strict_json_object_of_known_fields_is_an_invalid_request(client, raw):
    response = post(client, raw)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"]


@pytest.mark.parametrize("raw", ['{"phone": "\\ud800"}', '{"phone": "\\u0000"}', '{"phone": "+99890\\u202a1234567"}'])
def test_characters_that_are_no_digits_are_an_invalid_phone(client, raw):
    assert post(client, raw).json()["code"] == "invalid_phone"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/json", "x"],
)
def test_what_is_not_declared_as_json_is_415(client, content_type):
    response = post(client, GOOD, content_type)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_more_than_4_kb_is_413(client):
    response = post(client, GOOD + " " * 4096)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_body_longer_than_it_says_is_413(client, rf):
    """A chunked body may be: it is read no further than the maximum."""
    request = rf.post("/", GOOD + " " * 5000, content_type="application/json")
    for length in ("not a number", "\u00b2"):
        request.META["CONTENT_LENGTH"] = length
        assert SendView.as_view()(request).status_code == 400
    request = rf.post("/", GOOD + " " * 5000, content_type="application/json")
    request.META["CONTENT_LENGTH"] = "4096"
    request._read_started = False
    request._stream = request.environ["wsgi.input"]
    assert SendView.as_view()(request).status_code == 413


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_other_methods_are_405(client, method):
    response = getattr(client, method)("/api/send-otp/")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in response["Allow"]


def test_a_client_that_reads_no_json_is_answered_in_json_all_the_same(client):
    response = client.post("/api/send-otp/", "{}", content_type="application/json", headers={"accept": "text/html"})
    assert response.json()["code"] == "invalid_request"


def test_a_missing_phone_is_named(client):
    assert list(post(client, "{}").json()["errors"]) == ["phone"]
