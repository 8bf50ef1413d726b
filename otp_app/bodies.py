"""Read the bodies of requests with a maximum length, for the API and for the reports of providers."""

from collections.abc import Mapping
from typing import Any, Protocol

MAX_API_BYTES = 4 * 1024  # of any other request to the API
MAX_REPORT_BYTES = 64 * 1024  # of a report by a provider


class Readable(Protocol):
    """Represent a request or its stream."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``."""


class BodyTooLarge(Exception):
    """Say that a body is longer than its reader takes."""


def is_declared_longer(meta: Mapping[str, Any], maximum: int) -> bool:
    """Tell whether the Content-Length in ``meta`` is above ``maximum`` bytes, so that the body need not be read."""
    length = meta.get("CONTENT_LENGTH") or "0"
    return length.isascii() and length.isdigit() and int(length) > maximum


def read(stream: Readable, maximum: int) -> bytes:
    """Return a body of at most ``maximum`` bytes; raise BodyTooLarge, because a chunked body declares no length."""
    body = stream.read(maximum + 1)
    if len(body) > maximum:
        raise BodyTooLarge
    return body
