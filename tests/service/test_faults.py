"""Faults around the running service: clients that stop half-way, a dying worker, a database busy or gone."""

import os
import signal
import socket
import time
from contextlib import ExitStack

from .running import running
from .talking import code_of, get, phone, send, status_of, together, verify, verifying, wrong

PROMPT = 3  # seconds; far more than anything takes that need not wait
PATIENCE = 10 + PROMPT  # a half-sent request ends after 10
HEAD = b"POST /api/verify-otp/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_half_sent_requests_end_after_ten_seconds_and_hold_up_nobody(service):
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    code = code_of(service, challenge_id)
    halves = [HEAD + b'Content-Length: 60\r\n\r\n{"phone": '] * 100
    halves += [HEAD + b'Transfer-Encoding: chunked\r\n\r\na\r\n{"phone": \r\n'] * 50
    heads = [HEAD[:40]] * 50
    with ExitStack() as stack:
        begun = time.monotonic()
        sockets = []
        for half in halves + heads:
            sockets.append(stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 30)))
            sockets[-1].sendall(half)
        quick = time.monotonic()
        for _ in range(2):
            assert get(service, "/healthz").status == 200
            assert verify(service, number, wrong(code)).code == "invalid_or_expired_code"
        assert send(service, phone()).status == 200
        assert verify(service, number, code, challenge_id).status == 200
        assert time.monotonic() - quick < PROMPT
        for _ in range(2):  # a byte now and then buys no time
            time.sleep(0.5)
            for connection in sockets[:20]:
                connection.sendall(b" ")
        assert {status_of(connection.recv(4096)) for connection in sockets[:150]} == {408}
        for connection in sockets:
            while connection.recv(4096):
                pass  # whatever it says, it closes the connection
        assert time.monotonic() - begun < PATIENCE


class _Kill:
    """Among calls that are made at once, the end of a worker in the middle of them."""

    def __init__(self, pid):
        self.pid = pid

    def connect(self):
        """Nothing to connect."""

    def __call__(self):
        time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)


def test_a_worker_that_is_killed_in_a_burst_comes_back_and_gives_no_check_back(tmp_path):
    with running(tmp_path) as service:
        number = phone()
        challenge_id = send(service, number).json["challenge_id"]
        code = code_of(service, challenge_id)
        before = set(service.workers())
        assert len(before) == 2
        calls = [verifying(service, number, wrong(code, n), challenge_id) for n in range(300)]
        answers = together([*calls, _Kill(min(before))], lost=True)
        answered = [answer for answer in answers if answer]
        assert {(answer.status, answer.code) for answer in answered} <= {(400, "invalid_or_expired_code")}
        assert len(answered) < 300  # else it was killed too late
        (left,) = service.database.rows("SELECT checks_left FROM otp_app_challenge")[0]
        assert left == 0
        assert verify(service, number, code, challenge_id).code == "invalid_or_expired_code"
        until = time.monotonic() + 30
        while len(service.workers()) < 2 or min(before) in service.workers():
            assert time.monotonic() < until, "no new worker"
            time.sleep(0.1)
        for _ in range(20):
            number = phone()
            challenge_id = send(service, number).json["challenge_id"]
            assert verify(service, number, code_of(service, challenge_id)).status == 200
