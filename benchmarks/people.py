"""Who sends and verifies: each with a phone and an address that nobody else has."""

import itertools
import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import psycopg

from .requests import Request

_clients = itertools.count(int(IPv4Address("10.0.0.1")))
_phones = itertools.count()
_USER = ("phone", "full_name", "language", "password", "is_superuser", "is_staff", "is_active", "date_joined")


def phones(count: int) -> list[str]:
    """Uzbek mobile numbers, none of them twice, neighbours of different prefixes."""
    return [f"+99890{next(_phones) * 10_007 % 10**7:07d}" for _ in range(count)]


def client() -> dict[str, str]:
    """The header by which a proxy tells of another client."""
    return {"X-Forwarded-For": str(IPv4Address(next(_clients)))}


class People:
    """The requests of people who have signed in before."""

    def __init__(self, port: int, outbox: Path, database_url: str) -> None:
        self._port = port
        self._outbox = outbox
        self._read = 0
        self._database_url = database_url
        self._tokens: list[str] = []
        self._sent: list[str] = []

    def sends(self, count: int) -> list[Request]:
        self._sent = phones(count)
        _sign_up(self._database_url, self._sent)
        return [_post("/api/send-otp/", {"phone": phone}) for phone in self._sent]

    def hasty(self, count: int) -> list[Request]:
        """Ask again, too soon, for the phones of the last sends."""
        return [_post("/api/send-otp/", {"phone": phone}) for phone in self._sent[:count]]

    def verifies(self, count: int) -> list[Request]:
        return [_verify(*line.split()) for line in self.lines()][:count]

    def mine(self, count: int) -> list[Request]:
        if not self._tokens:
            for request in self.sends(20):
                self._ask(request)
            self._tokens = [self._ask(request)["token"] for request in self.verifies(20)]
        headers = [{"Authorization": f"Bearer {token}"} for token in self._tokens]
        return [Request("GET", "/api/me/", headers=headers[n % len(headers)]) for n in range(count)]

    def lines(self) -> list[str]:
        """What was added to the outbox since the last time."""
        with self._outbox.open() as file:
            file.seek(self._read)
            lines = file.readlines()
            self._read = file.tell()
        return lines

    def _ask(self, request: Request) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} | request.headers
        asked = urllib.request.Request(f"http://127.0.0.1:{self._port}{request.path}", request.body.encode(), headers)
        with urllib.request.urlopen(asked) as answer:
            return dict(json.load(answer))


def _verify(phone: str, code: str, challenge: str) -> Request:
    return _post("/api/verify-otp/", {"phone": phone, "otp": code, "challenge_id": challenge})


def _post(path: str, body: dict[str, str]) -> Request:
    return Request("POST", path, json.dumps(body), client())


def _sign_up(database_url: str, found: list[str]) -> None:
    columns = ", ".join(_USER)
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=20)) as file, file:
            file.executemany(f"INSERT INTO otp_app_user ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _rows(found))
        return
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        connection.cursor().copy(f"COPY otp_app_user ({columns}) FROM STDIN") as copy,
    ):
        for row in _rows(found):
            copy.write_row(row)


def _rows(found: list[str]) -> Iterator[tuple[object, ...]]:
    now = datetime.now(UTC).isoformat(" ")
    return ((phone, "", "", "!nobody", False, False, True, now) for phone in found)
