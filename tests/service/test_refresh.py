"""One refresh token has one successor, by HTTP: whoever asks together, or loses the reply, gets the same one."""

import os
import signal
import socket
from contextlib import suppress

import pytest

from .conftest import UNREACHED_LIMITS
from .running import running
from .talking import Call, code_of, phone, send, together, verify

pytestmark = [pytest.mark.each_database, pytest.mark.requests]

PARALLEL = 50


@pytest.fixture(scope="module")
def jwt_service(tmp_path_factory):
    backend = {"OTP_TOKEN_BACKEND": "otp_app.tokens.jwt.JwtTokens"}
    with running(tmp_path_factory.mktemp("refresh"), **UNREACHED_LIMITS, **backend) as started:
        yield started


@pytest.fixture
def token(jwt_service):
    """The first refresh token of a session."""
    number = phone()
    challenge_id = send(jwt_service, number).json["challenge_id"]
    return verify(jwt_service, number, code_of(jwt_service, challenge_id), challenge_id).json["refresh_token"]


def refreshing(service, token):
    return Call(service, "/api/token/refresh/", {"refresh_token": token})


def refresh(service, token):
    return refreshing(service, token)()


def successors(answers):
    return {answer.json["refresh_token"] for answer in answers}


def test_five_hundred_refreshes_give_one_successor_and_the_session_goes_on(jwt_service, token):
    answers = []
    for _ in range(500 // PARALLEL):
        answers += together([refreshing(jwt_service, token) for _ in range(PARALLEL)])
    assert {answer.status for answer in answers} == {200}
    (successor,) = successors(answers)
    assert refresh(jwt_service, successor).status == 200


def test_clients_that_cut_the_connection_get_the_successor_when_they_ask_again(jwt_service, token):
    body = b'{"refresh_token": "%s"}' % token.encode()
    head = b"POST /api/token/refresh/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = head + b"X-Forwarded-For: 20.0.0.9\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(PARALLEL):
        with socket.create_connection(("127.0.0.1", jwt_service.port)) as connection:
            connection.sendall(request)
    answers = [refresh(jwt_service, token) for _ in range(2)]
    (successor,) = successors(answers)
    assert refresh(jwt_service, successor).status == 200


def test_a_replay_a_minute_later_ends_the_session_in_every_process(jwt_service, token):
    successor = refresh(jwt_service, token).json["refresh_token"]
    jwt_service.clock.advance(60)
    replayed = [answer.status for answer in together([refreshing(jwt_service, token) for _ in range(PARALLEL)])]
    assert set(replayed) == {401}
    assert {refresh(jwt_service, successor).code for _ in range(10)} == {"not_authenticated"}


def test_a_worker_that_is_killed_meanwhile_forks_no_session(jwt_service, token):
    calls = [refreshing(jwt_service, token) for _ in range(PARALLEL)]
    victim = jwt_service.workers()[0]

    def kill():
        os.kill(victim, signal.SIGKILL)

    answered = [each for each in together([*calls, _Kill(kill)], lost=True) if each is not None and each is not True]
    again = _patiently(jwt_service, token)
    assert {each.status for each in answered} <= {200}
    (successor,) = successors([*answered, again])
    assert _patiently(jwt_service, successor).status == 200


class _Kill:
    """Be a call that kills a worker instead of asking it."""

    def __init__(self, kill):
        self._kill = kill

    def connect(self):
        """Need no connection."""

    def __call__(self):
        self._kill()
        return True


def _patiently(service, token):
    """Refresh as soon as there is a worker that answers."""
    for _ in range(100):
        with suppress(OSError):
            return refresh(service, token)
    raise AssertionError(service.output)
