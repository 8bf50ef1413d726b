"""django-allauth: sign-in by a code to the phone, headless, as its client "app" does it. Users are there beforehand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import django_service
from benchmarks.peers.calls import post
from benchmarks.requests import Request

NAME = "django-allauth"
SENT = 401  # as documented: nobody is signed in yet, and the code is awaited
VERIFIED = 200

COLUMNS = (
    *("phone", "phone_verified", "username", "password", "email", "first_name", "last_name"),
    *("is_active", "is_staff", "is_superuser", "date_joined"),
)


def install(folder: Path) -> None:
    django_service.install("allauth", folder)


prepare = django_service.prepare
command = django_service.command


def users(database_url: str, phones: list[str]) -> None:
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY peer_user ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in rows(phones):
                copy.write_row(row)
        cursor.execute("ANALYZE peer_user")


def rows(phones: list[str]) -> Iterator[tuple[object, ...]]:
    now = datetime.now(UTC)
    for phone in phones:
        yield phone, True, phone, "!no password", "", "", "", True, False, False, now


def send(phone: str) -> Request:
    return post("/_allauth/app/v1/auth/code/request", phone, {"phone": phone})


def verify(line: str) -> Request:
    phone, code, token = line.split()
    return post("/_allauth/app/v1/auth/code/confirm", phone, {"code": code}, **{"X-Session-Token": token})
