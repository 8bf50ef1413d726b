"""Faults around the running service: clients that stop half-way, a dying worker, a database busy or gone."""

import os
import select
import signal
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from .running import running
from .talking import code_of, get, phone, send, status_of, together, verify, verifying, wrong

pytestmark = pytest.mark.each_database

PATIENCE = 120  # seconds; no test means to wait so long
HEAD = b"POST /api/verify-otp/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_half_sent_requests_end_after_ten_seconds_and_hold_up_nobody(service):
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    code = code_of(service, challenge_id)
    halves = [HEAD + b'Content-Length: 600\r\n\r\n{"phone": '] * 100
    halves += [HEAD + b'Transfer-Encoding: chunked\r\n\r\na\r\n{"phone": \r\n'] * 50
    heads = [HEAD[:40]] * 50
    with ExitStack() as stack:
        sockets = []
        for half in halves + heads:
            sockets.append(stack.enter_context(socket.create_connection(("127.0.0.1", service.port), PATIENCE)))
            sockets[-1].sendall(half)
        for _ in range(2):
            assert get(service, "/healthz").status == 200
            assert verify(service, number, wrong(code)).code == "invalid_or_expired_code"
        assert send(service, phone()).status == 200
        assert verify(service, number, code, challenge_id).status == 200
        assert not _ended(sockets)  # none of that has waited for the end of any of these
        until = time.monotonic() + PATIENCE
        while (ended := _ended(sockets)) < {each.fileno() for each in sockets}:
            assert time.monotonic() < until
            for connection in sockets[:20]:
                if connection.fileno() not in ended:
                    connection.sendall(b" ")  # a byte now and then buys no time
            time.sleep(0.5)
        assert {status_of(connection.recv(4096)) for connection in sockets[:150]} == {408}
        for connection in sockets:
            while connection.recv(4096):
                pass  # whatever it says, it closes the connection


def _ended(sockets):
    """Those that there is something to read of, if it is their end."""
    poll = select.poll()
    for each in sockets:
        poll.register(each, select.POLLIN)
    return {number for number, _ in poll.poll(0)}


class _Kill:
    """Among calls that are made at once, the end of a worker in the middle of them."""

    def __init__(self, pid):
        self.pid, self.done = pid, threading.Event()

    def connect(self):
        """Nothing to connect."""

    def __call__(self):
        time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        self.done.set()


class _After:
    """A call that is made when the worker is dead, on a connection that it never had."""

    def __init__(self, kill, call):
        self.kill, self.call = kill, call

    def connect(self):
        """Not yet."""

    def __call__(self):
        assert self.kill.done.wait(PATIENCE)
        return self.call()


def test_a_worker_that_is_killed_in_a_burst_comes_back_and_gives_no_check_back(tmp_path):
    with running(tmp_path) as service:
        number = phone()
        challenge_id = send(service, number).json["challenge_id"]
        code = code_of(service, challenge_id)
        before = set(service.workers())
        assert len(before) == 2
        calls = [verifying(service, number, wrong(code, n), challenge_id) for n in range(300)]
        kill = _Kill(min(before))
        answers = together([kill, *calls[:200], *[_After(kill, call) for call in calls[200:]]], lost=True)
        answered = [answer for answer in answers if answer]
        assert {(answer.status, answer.code) for answer in answered} <= {(400, "invalid_or_expired_code")}
        (left,) = service.database.rows("SELECT checks_left FROM otp_app_challenge")[0]
        # Every answer has cost a check as long as there were any; on a slow machine most calls may be lost.
        assert left == 0 or len(answered) <= 5 - left
        for n in range(left):
            assert verify(service, number, wrong(code, n), challenge_id).code == "invalid_or_expired_code"
        assert service.database.rows("SELECT checks_left FROM otp_app_challenge")[0] == (0,)
        assert verify(service, number, code, challenge_id).code == "invalid_or_expired_code"
        until = time.monotonic() + PATIENCE
        while len(service.workers()) < 2 or min(before) in service.workers():
            assert time.monotonic() < until, "no new worker"
            time.sleep(0.1)
        for _ in range(20):
            number = phone()
            challenge_id = send(service, number).json["challenge_id"]
            assert verify(service, number, code_of(service, challenge_id)).status == 200
