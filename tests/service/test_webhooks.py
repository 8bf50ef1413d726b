"""Reports and idempotency keys on the running service: what Twilio posts, what strangers do, and killed workers."""

import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from .conftest import UNREACHED_LIMITS
from .running import running
from .talking import Call, get, phone, post, sending, together, verify
from .twilio_server import ACCOUNT, AUTH_TOKEN, Twilio

PUBLIC = "https://login.example.com"
DEADLINE = 50  # seconds for which a provider's answer is waited for: more than new workers need
LEASE = DEADLINE + 6  # seconds after which a process that held a key is given up
OURS = "REPLACE(CAST(d.challenge AS text), '-', '')"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def twilio():
    server = Twilio()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def service(twilio, tmp_path_factory):
    environment = {
        **twilio.environment,
        "OTP_PUBLIC_URL": PUBLIC,
        "OTP_PROVIDER_DEADLINE": str(DEADLINE),
    }
    with running(tmp_path_factory.mktemp("reports"), **environment, **UNREACHED_LIMITS) as started:
        yield started
        assert "Internal Server Error" not in started.output
        assert AUTH_TOKEN not in started.output


def report(callback, status, sid, token=AUTH_TOKEN, **more):
    """What Twilio posts to the address that it was given, and its signature of it."""
    fields = {"AccountSid": ACCOUNT, "MessageSid": sid, "MessageStatus": status, "To": "+998900000000"} | more
    signature = RequestValidator(token).compute_signature(callback, fields)
    return urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": signature}


def posting(service, callback, *args, **more):
    body, headers = report(callback, *args, **more)
    address = urlsplit(callback)
    return Call(service, f"{address.path}?{address.query}", body, headers=headers)


def ask(service, number, key):
    return sending(service, number, **_key(key))()


def state(service, challenge_id):
    return get(service, f"/api/challenges/{challenge_id}/").json


def events(service):
    return service.database.value("SELECT COUNT(*) FROM otp_app_event")


def test_a_message_is_followed_from_its_send_to_its_arrival(service, twilio):
    number = phone()
    challenge_id = sending(service, number)().json["challenge_id"]
    assert state(service, challenge_id)["state"] == "sent"
    callback = twilio.received(number)[-1]["StatusCallback"]
    _until(lambda: _reference(service, challenge_id).startswith("SM"), "the id that Twilio gave is not written down")
    sid = _reference(service, challenge_id)
    assert callback.startswith(f"{PUBLIC}/api/webhooks/twilio/?id=")
    calls = [posting(service, callback, word, sid) for word in ("sent", "delivered", "sent", "delivered") * 5]
    assert {answer.status for answer in together(calls)} == {204}
    told = state(service, challenge_id)
    assert (told["state"], told["channel"], told["channels"]) == ("delivered", "sms", [])
    assert (told["checks_left"], told["sends_left"]) == (5, 2)
    sql = f"SELECT e.status FROM otp_app_event e JOIN otp_app_delivery d ON d.id = e.delivery_id WHERE {OURS} = ?"
    assert sorted(service.database.rows(sql, challenge_id)) == [("delivered",), ("sent",)]


def test_a_flood_of_forged_reports_writes_nothing_and_holds_up_nobody(service, twilio):
    number = phone()
    sending(service, number)()
    callback, before = twilio.received(number)[-1]["StatusCallback"], events(service)
    lines = len(service.output.splitlines())
    calls = [posting(service, callback, "failed", f"SM{n:032}", token="f" * 32) for n in range(300)]
    answers = together([*calls, Call(service, "/healthz", method="GET")])
    assert Counter(answer.status for answer in answers) == {403: 300, 200: 1}
    assert verify(service, number, twilio.code_for(number)).status == 200
    assert events(service) == before
    added = service.output.splitlines()[lines:]
    assert len([line for line in added if "webhooks" in line]) <= 2  # a line for each process
    assert callback.partition("id=")[2] not in "\n".join(added)


def test_a_report_that_is_too_large_or_to_nobody_is_refused(service):
    assert post(service, "/api/webhooks/twilio/", b"x" * 70_000, headers={"Content-Type": FORM}).status == 413
    assert post(service, "/api/webhooks/nobody/", b"x", headers={"Content-Type": FORM}).status == 404
    assert get(service, "/api/webhooks/twilio/").status == 403  # some companies report by GET; this one signs


def test_twenty_equal_requests_at_once_send_one_message(service, twilio):
    number = phone()
    answers = together([sending(service, number, **_key(number)) for _ in range(20)])
    done = [answer for answer in answers if answer.status == 200]
    assert {answer.code for answer in answers if answer.status != 200} <= {"request_in_progress"}
    assert len({answer.body for answer in done}) == 1
    assert len(twilio.received(number)) == 1
    assert ask(service, number, number).body == done[0].body
    assert ask(service, phone(), number).code == "idempotency_key_reused"


def test_when_workers_are_killed_in_the_middle_the_same_key_sends_nothing_twice(service, twilio):
    number = phone()
    with twilio.answering("hang"):
        thread = threading.Thread(target=lambda: together([sending(service, number, **_key(number))], lost=True))
        thread.start()
        _until(lambda: twilio.received(number), "Twilio was not asked")
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        thread.join()
    _until(lambda: _answers(service), "no new workers")
    assert ask(service, number, number).code == "request_in_progress"
    service.clock.advance(LEASE)
    answer = ask(service, number, number)
    assert answer.status == 200
    assert ask(service, number, number).body == answer.body
    assert len(twilio.received(number)) == 1
    assert state(service, answer.json["challenge_id"])["state"] in ("queued", "sent")
    assert verify(service, number, twilio.code_for(number), answer.json["challenge_id"]).status == 200


def _reference(service, challenge_id):
    """The id of a message: our own until Twilio's is written down, a moment after the answer."""
    sql = f"SELECT reference FROM otp_app_delivery d WHERE {OURS} = ?"
    return "".join(reference for (reference,) in service.database.rows(sql, challenge_id))


def _key(key):
    return {"client": "192.0.2.9", "headers": {"Idempotency-Key": key}}


def _answers(service):
    with suppress(OSError):
        return get(service, "/healthz").status == 200


def _until(holds, what):
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)
