"""The running service in production's settings, with a provider that does its work, refuses it, or takes for ever."""

import base64
import json
import threading
import time

import pytest

from .conftest import UNREACHED_LIMITS
from .running import running
from .talking import get, phone, send, sending, together, verify
from .twilio_server import ACCOUNT, AUTH_TOKEN, SENDER, Twilio

CALLS = 2 * 8  # provider calls at once: of two processes, half of the 16 threads each
PATIENCE = 60  # seconds; no test means to wait so long


@pytest.fixture(scope="module")
def twilio():
    server = Twilio()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def production(twilio, tmp_path_factory):
    environment = {
        "DEBUG": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
        "OTP_CLOCK_OFFSET_FILE": "",
        **twilio.environment,
        "DJANGO_SETTINGS_MODULE": "tests.service.patient",
        "OTP_CODE_LENGTH": "10",  # so that a code that is found somewhere is not there by chance
        "OTP_CIRCUIT_FAILURES": "1000000",  # most of these tests let the provider fail as often as they like
    }
    with running(tmp_path_factory.mktemp("production"), **environment, **UNREACHED_LIMITS) as service:
        yield service
        assert "Internal Server Error" not in service.output
        codes = [twilio.code_for(fields["To"]) for _, _, fields in twilio.requests]
        assert [code for code in codes if code in service.output] == []
        assert AUTH_TOKEN not in service.output


def test_the_start_says_in_one_line_what_is_in_force(production):
    (line,) = [line for line in production.output.splitlines() if line.startswith("otp_app ")]
    assert f" on http://127.0.0.1:{production.port}, database " in line
    assert line.endswith(", store SqlStore, providers twilio, regions UZ, trusted proxies 1")


def delivery(service, challenge_id):
    """Status, error, provider and its reference of the only delivery of a challenge, once it is written how it ended.

    That a provider took it is written a moment after the answer.
    """
    theirs = "REPLACE(CAST(challenge AS text), '-', '')"
    sql = f"SELECT status, error, provider, reference FROM otp_app_delivery WHERE {theirs} = ?"
    until = time.monotonic() + PATIENCE
    while True:
        (row,) = service.database.rows(sql, challenge_id)
        if row[0] != "queued" or time.monotonic() > until:
            return row
        time.sleep(0.02)


def newest(service, number):
    """The id of the newest challenge of a phone and its status."""
    sql = "SELECT CAST(id AS text), status FROM otp_app_challenge WHERE phone = ? ORDER BY created_at DESC LIMIT 1"
    ((found, status),) = service.database.rows(sql, number)
    return found.replace("-", ""), status


def test_twilio_is_asked_as_it_wants_to_be_and_its_answer_kept(production, twilio):
    number = phone()
    answer = send(production, number)
    assert answer.status == 200, answer.body
    path, headers, fields = next(request for request in twilio.requests if request[2]["To"] == number)
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT}:{AUTH_TOKEN}"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert set(fields) == {"To", "From", "Body", "ValidityPeriod"}
    assert (fields["To"], fields["From"]) == (number, SENDER)
    status, error, provider, reference = delivery(production, answer.json["challenge_id"])
    assert (status, error, provider) == ("sent", "", "twilio")
    assert reference.startswith("SM")
    assert verify(production, number, twilio.code_for(number)).json["user"]["phone"] == number


@pytest.mark.parametrize("code", [21211, 21610, 21614, 60410])
def test_a_number_at_fault_is_said_to_be_and_not_asked_for_again_that_day(production, twilio, code):
    number = phone()
    with twilio.answering(twilio.refused(400, code)):
        answer = send(production, number)
    assert (answer.status, answer.code) == (400, "undeliverable_phone")
    challenge_id, status = newest(production, number)
    assert status == "canceled"
    assert delivery(production, challenge_id)[:2] == ("failed", str(code))
    assert verify(production, number, twilio.code_for(number)).code == "invalid_or_expired_code"
    again = send(production, number)
    if code == 60410:  # what looked like fraud may look better later
        assert again.status == 200
    else:
        assert (again.body, len(twilio.received(number))) == (answer.body, 1)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(Twilio.refused(429, 20429), id="too many requests"),
        pytest.param((429, b""), id="too many requests, without a word"),
        pytest.param(Twilio.refused(503, 20503), id="down"),
        pytest.param((503, b"<html>no upstream</html>"), id="down, said by a proxy"),
        pytest.param(Twilio.refused(401, 20003), id="wrong credentials"),
        pytest.param(Twilio.refused(400, 21608), id="a trial account"),
        pytest.param(Twilio.refused(404, 20404), id="no such account"),
        pytest.param(Twilio.refused(400, 21612), id="a sender that cannot write there"),
    ],
)
def test_what_was_surely_not_sent_is_said_and_given_back(production, twilio, refusal):
    number = phone()
    with twilio.answering(refusal):
        for _ in range(7):  # more than the five sends of an hour: none of them counts
            answer = send(production, number)
            assert (answer.status, answer.code) == (503, "delivery_failed"), answer.body
    assert newest(production, number)[1] == "canceled"
    answer = send(production, number)
    assert answer.status == 200
    assert verify(production, number, twilio.code_for(number), answer.json["challenge_id"]).status == 200


def test_where_nobody_listens_nothing_was_sent(production, twilio):
    number = phone()
    with twilio.closed():
        answer = send(production, number)
        assert (answer.status, answer.code) == (503, "delivery_failed")
    assert delivery(production, newest(production, number)[0])[:2] == ("failed", "no_connection")
    assert send(production, number).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("cut", id="the connection is cut"),
        pytest.param(Twilio.refused(500, 20500), id="an error of theirs"),
        pytest.param((502, b"<html>bad gateway</html>"), id="a proxy's error"),
        pytest.param((504, b""), id="a proxy's timeout"),
        pytest.param((201, b"not JSON"), id="what cannot be read"),
    ],
)
def test_a_lost_reply_may_be_a_message_and_is_not_sent_again(production, twilio, answer):
    number = phone()
    with twilio.answering(answer):
        granted = send(production, number)
    assert granted.status == 200, granted.body
    assert delivery(production, granted.json["challenge_id"])[0] == "unknown"
    assert len(twilio.received(number)) == 1
    assert send(production, number).code == "limited"  # it counts as sent
    assert verify(production, number, twilio.code_for(number)).status == 200


def test_while_the_provider_hangs_or_drips_everything_else_goes_on(production, twilio):
    waiting = phone()
    assert send(production, waiting).status == 200
    answers, threads = {}, []

    def ask(number):
        answers[number] = sending(production, number)()

    with twilio.answering(lambda number: "drip" if number[-1] in "13579" else "hang"):
        until = time.monotonic() + PATIENCE
        while len(twilio.stuck) < CALLS and time.monotonic() < until:  # until both processes are full
            threads += [threading.Thread(target=ask, args=(phone(),)) for _ in range(20)]
            for thread in threads[-20:]:
                thread.start()
            time.sleep(0.3)
        stuck = set(twilio.stuck)
        assert len(stuck) == CALLS
        assert get(production, "/healthz").status == 200
        assert verify(production, waiting, twilio.code_for(waiting)).status == 200
        further = together([sending(production, phone()) for _ in range(6)])  # they wait a moment for a free call
        assert {(answer.status, answer.code) for answer in further} == {(503, "delivery_failed")}
        assert twilio.stuck == stuck  # all of that while they hung
        for thread in threads:
            thread.join()
    assert {number for number, answer in answers.items() if answer.status == 200} == stuck
    assert {answer.code for answer in answers.values() if answer.status != 200} == {"delivery_failed"}
    for number in stuck:
        assert delivery(production, answers[number].json["challenge_id"])[:2] == ("unknown", "deadline")
    until = time.monotonic() + PATIENCE  # what dripped holds its place until it ends
    while (again := send(production, phone())).status != 200:
        assert time.monotonic() < until, again.body


def test_a_provider_that_hangs_is_left_alone_and_the_next_one_carries_on(twilio, tmp_path):
    other = "AC" + "9" * 32
    entries = [
        {
            "ALIAS": alias,
            "BACKEND": "otp_app.providers.twilio.TwilioProvider",
            "OPTIONS": {
                "account_sid": account,
                "auth_token": AUTH_TOKEN,
                "sender": SENDER,
                "base_url": f"http://127.0.0.1:{twilio.port}",
            },
        }
        for alias, account in (("first", ACCOUNT), ("second", other))
    ]
    environment = {
        "OTP_OUTBOX_FILE": "",
        "OTP_ALLOWED_REGIONS": "UZ",
        "OTP_PROVIDERS": json.dumps(entries),
        "OTP_PROVIDER_DEADLINE": "5",
        **UNREACHED_LIMITS,
    }
    with running(tmp_path, **environment) as service:
        with twilio.answering("hang"):
            answers = together([sending(service, phone()) for _ in range(5)])  # of both processes
            assert [answer.status for answer in answers] == [200] * 5
            assert {delivery(service, answer.json["challenge_id"])[:3] for answer in answers} == {
                ("unknown", "deadline", "first")
            }
        number = phone()
        answer = send(service, number)
        assert delivery(service, answer.json["challenge_id"])[::2] == ("sent", "second")
        assert [path.split("/")[3] for path, _, fields in twilio.requests if fields["To"] == number] == [other]
        service.clock.advance(31)
        answer = send(service, phone())
        assert delivery(service, answer.json["challenge_id"])[::2] == ("sent", "first")
