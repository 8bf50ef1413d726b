"""Describe the client that signs in, in words by which its owner recognises it: program, system and network."""

import re
from typing import Any

from django.http import HttpRequest

from ..limits.clients import client_of, subnet_of

MAX_NAME_CHARACTERS = 64  # as the columns have them
_NAMED = "otp_app.client_name"  # in META, where the names of headers begin with HTTP_
_MAX_READ = 512  # characters of the User-Agent
# The first that is found names the program, or the system: nearly all browsers also name others, which stand below.
_PROGRAMS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "YaBrowser": "Yandex Browser",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "Darwin": "Apple",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_PRODUCT = re.compile("[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")  # an app's own name, as in "Bazaar/2.1 (Android 15)"


def name(request: HttpRequest, client_name: str) -> None:
    """Let a request be described by the name that its app gives itself: no header can set it."""
    request.META[_NAMED] = client_name


def described(request: HttpRequest | None) -> dict[str, Any]:
    """Return ``client_name`` and ``network`` for the row of a session; empty texts for what is not known."""
    if request is None:
        return {}
    subnet = subnet_of(client_of(request.META))
    named = request.META.get(_NAMED) or name_of(request.META.get("HTTP_USER_AGENT", ""))
    return {"client_name": named, "network": subnet if "/" in subnet else ""}


def name_of(user_agent: str) -> str:
    """Return program and system of a User-Agent, as "Firefox, Windows"; "" if neither is known."""
    text = user_agent[:_MAX_READ]
    product = _PRODUCT.match(text)
    own = product[0].strip() if product and not text.startswith("Mozilla/") else ""
    program = own or _first(_PROGRAMS, text)
    return ", ".join(part for part in (program, _first(_SYSTEMS, text)) if part)


def _first(names: dict[str, str], text: str) -> str:
    for mark, name in names.items():
        if mark in text:
            return name
    return ""
