"""The answers to exceptions in a view."""

import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.http import UnreadablePostError

from otp_app import services
from otp_app.api import problems
from otp_app.errors import DeliveryFailed, InvalidRequest, Limited, OtpError, Unavailable
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.fixture
def send(client, monkeypatch):
    def send(error):
        def fail(**asked):
            raise error

        monkeypatch.setattr(services, "send_code", fail)
        client.raise_request_exception = False
        return client.post("/api/send-otp/", {"phone": new_phone()}, content_type="application/json")

    return send


@pytest.mark.parametrize(
    "error", [OperationalError("locked"), InterfaceError("gone"), InternalError("locked"), Unavailable()]
)
def test_a_database_that_does_not_answer_is_503_with_when_to_try_again(send, error, caplog):
    response = send(error)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) == response.json()["retry_after"] > 0
    assert type(error).__name__ in caplog.text
    assert "locked" not in response.content.decode()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/send-otp/", {"phone": "1"}, 400),
        ("/api/verify-otp/", {"phone": "+998901234567", "otp": "123456"}, 400),
        ("/api/logout/", {}, 401),
        ("/api/challenges/x/", {}, 405),
        ("/api/send-otp/", {"phone": "0" * 5000}, 413),
    ],
)
def test_an_answer_that_is_documented_is_no_warning_of_the_framework(client, caplog, path, body, status):
    assert client.post(path, body, content_type="application/json").status_code == status
    assert [record for record in caplog.records if record.name == "django.request"] == []


@pytest.mark.parametrize(
    ("error", "logged"),
    [(DeliveryFailed(), []), (Limited("x", 1), []), (Unavailable(), ["ERROR"]), (RuntimeError("a bug"), ["ERROR"])],
)
def test_the_framework_tells_of_what_is_wrong_with_the_service_itself(send, caplog, error, logged):
    send(error)
    assert [record.levelname for record in caplog.records if record.name == "django.request"] == logged


def test_a_client_that_went_away_is_its_own_fault(send):
    assert send(UnreadablePostError("gone")).json()["code"] == "invalid_request"


def test_what_nobody_expected_is_not_dressed_up_as_an_answer(send):
    assert send(RuntimeError("a bug")).status_code == 500


def test_every_error_has_a_title_and_a_code_of_its_own_or_is_a_kind_of_one_that_has():
    codes = [error.code for error in subclasses(OtpError) if "code" in vars(error)]
    assert len(codes) == len(set(codes))
    assert set(codes) == set(problems.TITLES)
    shared = [error for error in subclasses(OtpError) if "code" not in vars(error)]
    assert all(issubclass(error, InvalidRequest) for error in shared)  # which names what is wrong
