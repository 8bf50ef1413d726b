"""What goes on in a round: people who sign in, and strangers who guess, while processes die under them."""

import http.client
import random
import threading
import time
from uuid import uuid4

from tests.service.talking import Call, phone

MAX_RETRY_SECONDS = 12  # that a person repeats a request: an Idempotency-Key whose request died is free again after ten
LOST = None


class Life:
    """Hold the answers people got. ``sends`` and ``tokens`` are by phone."""

    def __init__(self, cluster, seed):
        self._cluster = cluster
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.sends = {}  # phone: the ids of its challenges
        self.tokens = {}  # phone: what it got
        self.surprises = []

    def play(self, people=10):
        """Let all people act at once, and wait for the last."""
        self._chance.random()
        threads = [
            threading.Thread(target=self._person, args=(phone(), self._chance.random() < 0.4, self._chance.random()))
            for _ in range(people)
        ]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        for thread in threads:
            thread.join()

    def _person(self, number, besieged, dice):
        client = f"10.9.{int(dice * 250)}.{int(dice * 9999) % 250}"
        headers = {"Idempotency-Key": uuid4().hex, "X-Forwarded-For": client}
        answer = self._insist("/api/send-otp/", {"phone": number}, headers)
        if answer is LOST or answer.status != 200:
            return
        challenge_id = answer.json["challenge_id"]
        with self._lock:
            self.sends.setdefault(number, []).append(challenge_id)
        if set(answer.json) != {"message", "challenge_id", "expires_in", "resend_in", "phone"}:
            self._note("a send told more or less than others (I10)", answer.body)
        for _ in range(6 * besieged):  # more than strangers have
            self._try("/api/verify-otp/", {"phone": number, "otp": "0000000000"})
        state = self._try(f"/api/challenges/{challenge_id}/", None)
        if (
            state is not LOST
            and state.status == 200
            and state.json["checks_left"] < 1
            and state.json["state"] != "failed"
        ):
            self._note("strangers have used up a challenge (I9)", state.body)
        self._sign_in(number, challenge_id, slips=dice < 0.3)

    def _sign_in(self, number, challenge_id, *, slips):
        code = self._cluster.company.code_for(number)
        if code is None:
            return
        for otp in [*["0000000000"] * slips, code, code, code]:  # again and again, as an impatient person does
            answer = self._try("/api/verify-otp/", {"phone": number, "otp": otp, "challenge_id": challenge_id})
            if answer is not LOST and answer.status == 200:
                with self._lock:
                    self.tokens.setdefault(number, []).append(answer.json["token"])

    def _insist(self, path, body, headers):
        """Repeat a request until its answer is final."""
        until = time.monotonic() + MAX_RETRY_SECONDS
        answer = LOST
        while time.monotonic() < until:
            answer = self._try(path, body, headers)
            if answer is not LOST and answer.status != 409 and not _is_unavailable(answer):
                return answer
            time.sleep(0.2)
        return answer

    def _try(self, path, body, headers=None):
        method = "GET" if body is None else "POST"
        try:
            answer = Call(self._cluster.service, path, body, method=method, headers=headers)()
        except (OSError, http.client.HTTPException):
            return LOST
        if answer.status >= 500 and answer.status != 503:
            self._note("an answer nobody foresaw", answer.body)
        return answer

    def _note(self, what, body):
        with self._lock:
            self.surprises.append((what, body[:300]))


def _is_unavailable(answer):
    """Return whether the service is unavailable for now; ``delivery_failed`` is a final answer."""
    return answer.status == 503 and answer.code != "delivery_failed"
