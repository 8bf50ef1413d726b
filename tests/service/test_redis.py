"""The service on a Redis that forgets, stops, hangs or is shared by nodes whose clocks differ."""

import time
from collections import Counter

import pytest

from tests import valkey

from .conftest import UNREACHED_LIMITS, surprises
from .running import Service, running
from .talking import (
    TIMEOUT,
    code_of,
    get,
    messages_to,
    most_within,
    phone,
    post,
    send,
    sending,
    together,
    verify,
    verifying,
    wrong,
)

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
UNAVAILABLE = (503, "unavailable")
# What a node whose clock is two minutes ahead runs first.
AHEAD = """
import datetime
import time_machine
time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=120), tick=True).start()
"""


@pytest.fixture(scope="module")
def server():
    with valkey.running() as started:
        yield started


@pytest.fixture
def redis(server, service):
    """Empty, and after a test in which it was away the service has found it again."""
    server.flush()
    recovered(service)
    return server


@pytest.fixture(scope="module")
def service(tmp_path_factory, server):
    with running(tmp_path_factory.mktemp("redis"), redis=server, OTP_REDIS_TIMEOUT="1", **UNREACHED_LIMITS) as started:
        yield started
        expected = ("Redis: ", "unavailable", "Service Unavailable", "not ready: store")
        assert [line for line in surprises(started) if not any(words in line for words in expected)] == []


def recovered(service):
    """Waits until the store answers again; whether the service is ready is known of a second ago only."""
    until = time.monotonic() + TIMEOUT
    while get(service, f"/api/challenges/{'0' * 32}/").code == "unavailable":
        assert time.monotonic() < until, "it does not come back"
        time.sleep(0.05)


@pytest.mark.parametrize("forget", ["flush", "restart"])
def test_i3_and_i4_hold_over_days_on_which_redis_forgets_all_the_time(service, redis, forget):
    victim, failed, sent = phone(), [], []
    begin, n = service.clock.seconds, 0
    while service.clock.seconds < begin + 2 * DAY:
        answer = send(service, victim)
        if answer.status == 429:
            service.clock.advance(min(answer.json["retry_after"], HOUR))
        else:
            challenge_id = answer.json["challenge_id"]
            code = code_of(service, challenge_id)
            held = service.challenge(challenge_id)
            sent += held["sent_at"]
            for guess in range(6):
                verify(service, victim, wrong(code, guess), challenge_id)
            held = service.challenge(challenge_id)
            failed += [held["checked_at"]] * (5 - held["checks_left"])
        n += 1
        if n % 3 == 0:
            redis.flush() if forget == "flush" else redis.restart()
            recovered(service)
    assert len(sent) == len(messages_to(service, victim))
    assert most_within(sent, DAY) <= 10
    assert most_within(sent, HOUR) <= 5
    assert most_within(failed, DAY) == 20


def test_a_code_of_before_a_flush_is_void_and_a_new_one_signs_in(service, redis):
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    redis.flush()
    assert verify(service, number, code_of(service, challenge_id), challenge_id).code == "invalid_or_expired_code"
    service.clock.advance(61)
    challenge_id = send(service, number).json["challenge_id"]
    assert verify(service, number, code_of(service, challenge_id), challenge_id).status == 200


def test_a_flush_in_the_middle_of_a_race_gives_no_second_token_and_no_sixth_comparison(service, redis):
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    code = code_of(service, challenge_id)
    calls = [verifying(service, number, wrong(code, n) if n % 10 else code, challenge_id) for n in range(100)]
    answers = together([*calls, _Flush(redis)])
    assert {answer.status for answer in answers if answer} <= {200, 400}
    assert sum(answer.status == 200 for answer in answers if answer) <= 1
    assert verify(service, number, code, challenge_id).status == 400


class _Flush:
    """Takes part in what happens at once."""

    def __init__(self, redis):
        self.connect, self._redis = (lambda: None), redis

    def __call__(self):
        self._redis.flush()


def test_while_redis_is_stopped_everything_is_unavailable_and_then_it_works_again(service, redis):
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    code = code_of(service, challenge_id)
    redis.stop()
    asked = [sending(service, phone()) for _ in range(20)]
    asked += [verifying(service, number, wrong(code, n), challenge_id) for n in range(20)]
    assert Counter((answer.status, answer.code) for answer in together(asked)) == {UNAVAILABLE: 40}
    assert get(service, "/readyz").status == 503
    assert get(service, "/healthz").status == 200
    assert len(messages_to(service, number)) == 1
    redis.start()
    recovered(service)
    number = phone()
    assert verify(service, number, code_of(service, send(service, number).json["challenge_id"])).status == 200


def test_a_redis_that_hangs_makes_nobody_wait_for_it_and_nothing_unlimited(service, redis):
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    code = code_of(service, challenge_id)
    redis.pause()
    answers = together([verifying(service, number, wrong(code, n), challenge_id) for n in range(16)])
    answers += together([sending(service, phone()) for _ in range(8)])
    redis.resume()
    assert {(answer.status, answer.code) for answer in answers} == {UNAVAILABLE}
    recovered(service)
    guesses = [verify(service, number, wrong(code, n), challenge_id).status for n in range(6)]
    assert guesses == [400] * 6
    assert service.challenge(challenge_id)["checks_left"] == 0
    assert verify(service, number, code, challenge_id).status == 400


def test_nodes_whose_clocks_differ_by_two_minutes_are_one_service(tmp_path, service, redis):
    (tmp_path / "sitecustomize.py").write_text(AHEAD)
    folder = tmp_path / "second"
    folder.mkdir()
    other = Service(folder, service.database, redis, **UNREACHED_LIMITS, PYTHONPATH=str(tmp_path))
    other.outbox_file = service.outbox_file
    shared = {"OTP_OUTBOX_FILE": service.outbox_file, "OTP_CLOCK_OFFSET_FILE": service.clock.path}
    other.environment |= {name: str(path) for name, path in shared.items()}
    try:
        other.start()
        _one_service(service, other)
        _one_service(other, service)
        assert other.end() == 0
    finally:
        other.kill()


def _one_service(here, there):
    here.outbox, here.outbox_read = [], 0
    number = phone()
    first = send(here, number)
    challenge_id = first.json["challenge_id"]
    code = code_of(here, challenge_id)
    again = send(there, number)
    assert again.code == "limited"
    assert 1 <= again.json["retry_after"] <= 60  # with two clocks it would be none, or three minutes
    assert [verify(there, number, wrong(code, n), challenge_id).status for n in range(4)] == [400] * 4
    signed_in = verify(there, number, code, challenge_id)
    assert signed_in.status == 200, signed_in.body
    bearer = {"Authorization": f"Bearer {signed_in.json['token']}"}
    assert get(here, "/api/me/", headers=bearer).json["phone"] == number
    device = signed_in.json["device"]
    known = post(here, "/api/send-otp/", {"phone": number, "device": device})
    assert (known.status, known.json["expires_in"]) == (200, 300)
    assert post(here, "/api/logout-everywhere/", headers=bearer).status == 204
    assert get(there, "/api/me/", headers=bearer).status == 401
    assert send(there, number).status == 200  # strangers' first since the success
    assert post(there, "/api/send-otp/", {"phone": number, "device": device}).code == "limited"  # it is a stranger now


def test_on_the_way_to_a_sign_in_redis_is_asked_once_for_a_send_and_twice_for_a_verification(tmp_path):
    number = phone()
    warm = phone()
    with valkey.running() as redis, running(tmp_path, redis=redis, **UNREACHED_LIMITS) as service:
        verify(service, warm, code_of(service, send(service, warm).json["challenge_id"]))  # it has the scripts now
        before = asked(redis)
        challenge_id = send(service, number).json["challenge_id"]
        sent = asked(redis)
        assert verify(service, number, code_of(service, challenge_id), challenge_id).status == 200
        verified = asked(redis)
    assert sent - before == Counter(evalsha=1)
    assert verified - sent == Counter(evalsha=2)


def asked(redis):
    """How often the server was asked what only clients ask: within a script there is nothing of this."""
    told = redis.command("INFO", "commandstats")
    names = ("evalsha", "mget", "script|load")  # and "eval", once for each new connection
    return Counter({name: told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in names})
