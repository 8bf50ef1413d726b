"""The requests of the peers: each takes JSON, from behind one reverse proxy."""

import json

from benchmarks.requests import Request


def post(path: str, phone: str, content: dict[str, str], **headers: str) -> Request:
    forwarded = {"Content-Type": "application/json", "X-Forwarded-For": address(phone)}
    return Request("POST", path, json.dumps(content), forwarded | headers)


def address(phone: str) -> str:
    """Whose phone it is has an address of their own.

    A peer that counts by address does so in one place for each: with a single address for all, its counter would be
    what is measured.
    """
    number = int(phone.lstrip("+")) % 2**24
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
