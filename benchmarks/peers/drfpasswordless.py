"""drfpasswordless: a code to the mobile for a token of Django REST framework. It signs up whoever is new."""

from pathlib import Path

from benchmarks.peers import django_service
from benchmarks.peers.calls import post
from benchmarks.requests import Request

NAME = "drfpasswordless"
SENT = 200
VERIFIED = 200


def install(folder: Path) -> None:
    django_service.install("drfpasswordless", folder)


prepare = django_service.prepare
command = django_service.command


def users(database_url: str, phones: list[str]) -> None:
    """None has to exist beforehand."""


def send(phone: str) -> Request:
    return post("/auth/mobile/", phone, {"mobile": phone})


def verify(line: str) -> Request:
    phone, code = line.split()
    return post("/auth/token/", phone, {"mobile": phone, "token": code})
