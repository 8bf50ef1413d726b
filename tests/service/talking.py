"""Send requests to the service: one, many at once, or bytes that no client library would send."""

import http.client
import itertools
import json
import random
import re
import socket
import threading
from bisect import bisect_left
from dataclasses import dataclass

TIMEOUT = 180  # seconds; no test means to wait so long

_addresses = itertools.count(1)
_phones = itertools.count()
_first_phone = random.randrange(1_000_000)  # so that runs differ; within a run no phone is given out twice


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """Return the machine-readable reason of a refusal, and assert that the refusal has the right form."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body[:500])
        problem = self.json
        assert problem["status"] == self.status
        assert all(problem[name] for name in ("type", "title", "detail"))
        if self.status in (429, 503):
            assert self.headers["retry-after"] == str(problem["retry_after"])
            assert problem["retry_after"] >= 1
        return problem["code"]


def address():
    """Return a client address that was not used before, of another network than the last ones."""
    n = next(_addresses)
    return f"{n // 250 % 200 + 20}.{n % 250}.{n // 50_000 % 250}.7"


def phone():
    """Return a number that no code was requested for before."""
    return f"+99890{(_first_phone + next(_phones)) % 1_000_000 + 1_000_000}"


class Call:
    """Prepare a request, which may be sent at the same instant as others."""

    def __init__(self, service, path, body=None, *, method="POST", client=None, headers=None):
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT)
        self._request = (method, path, body if isinstance(body, bytes | None) else json.dumps(body).encode())
        self._headers = {"X-Forwarded-For": client or address(), "Connection": "close"}
        if body is not None:
            self._headers["Content-Type"] = "application/json"
        self._headers |= headers or {}

    def connect(self):
        self._connection.connect()

    def __call__(self):
        try:
            method, path, body = self._request
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            self._connection.close()


def get(service, path, **options):
    return Call(service, path, method="GET", **options)()


def post(service, path, body=None, **options):
    return Call(service, path, body, **options)()


def sending(service, number, **options):
    again = {"challenge_id": options.pop("challenge_id")} if "challenge_id" in options else {}
    return Call(service, "/api/send-otp/", {"phone": number} | again, **options)


def send(service, number, **options):
    return sending(service, number, **options)()


def verifying(service, number, otp, challenge_id=None, **options):
    body = {"phone": number, "otp": otp} | ({"challenge_id": challenge_id} if challenge_id else {})
    return Call(service, "/api/verify-otp/", body, **options)


def verify(service, number, otp, challenge_id=None, **options):
    return verifying(service, number, otp, challenge_id, **options)()


def together(calls, *, lost=False):
    """Make calls at once, and return their answers: all connect, then all send at the same instant.

    With ``lost``, None stands for the answers that a dead worker did not give; else that is an error.
    """
    answers = [None] * len(calls)
    failures = []
    barrier = threading.Barrier(len(calls))

    def make(n):
        try:
            calls[n].connect()
            barrier.wait(TIMEOUT)
            answers[n] = calls[n]()
        except Exception as error:  # noqa: BLE001  (whatever it was, the test is told below)
            if not (lost and isinstance(error, OSError | http.client.HTTPException)):
                failures.append(error)
                barrier.abort()

    threads = [threading.Thread(target=make, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return answers


def raw(service, sent, timeout=TIMEOUT):
    """Send bytes, and return the bytes that come back until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout) as connection:
        received = b""
        try:
            connection.sendall(sent)
            while more := connection.recv(65536):
                received += more
        except ConnectionError:  # closed while we were sending: what it said before counts
            pass
    return received


def status_of(received):
    """Return the HTTP status in received bytes."""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", received)
    return int(found[1]) if found else None


def messages(service):
    """Return what the phones got, by the outbox file, of which only new lines are read."""
    if service.outbox_file.exists():
        with service.outbox_file.open("rb") as file:
            file.seek(service.outbox_read)
            new = file.read()
        service.outbox_read += len(new)
        service.outbox += [json.loads(line) for line in new.splitlines()]
    return service.outbox


def messages_to(service, number):
    return [message for message in messages(service) if message["phone"] == number]


def code_of(service, challenge_id):
    return next(message["code"] for message in reversed(messages(service)) if message["challenge_id"] == challenge_id)


def wrong(code, n=0):
    """Return a wrong code, a different one for each n."""
    return f"{(int(code) + 1 + n % 999_999) % 10 ** len(code):0{len(code)}}"


def most_within(instants, seconds):
    """Return how many instants at most fall into any span of so many seconds."""
    instants = sorted(instants)
    return max((bisect_left(instants, instants[n] + seconds * 1000) - n for n in range(len(instants))), default=0)
