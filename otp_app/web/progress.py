"""Sign-ins under way in this browser: which challenges are its own. They live in the session, each under a number.

So nobody else's request touches them, the id of a challenge stands in no address, and two tabs may ask for codes to two
numbers without getting into each other's way.
"""

from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest

_KEY = "otp_app"
_MOST = 5


@dataclass(frozen=True, slots=True)
class SignInBegun:
    """A code was asked for, by this browser."""

    number: int
    phone: str
    challenge_id: str
    extended: bool = False


def find(request: HttpRequest, number: int) -> SignInBegun | None:
    return next((begun for begun in _all(request) if begun.number == number), None)


def newest(request: HttpRequest, phone: str = "") -> SignInBegun | None:
    """The last that was begun, with that phone if one is named."""
    return next((begun for begun in reversed(_all(request)) if phone in ("", begun.phone)), None)


def begin(request: HttpRequest, phone: str, challenge_id: str) -> SignInBegun:
    before = _all(request)
    begun = SignInBegun(max((each.number for each in before), default=0) + 1, phone, challenge_id)
    _keep(request, [*before, begun][-_MOST:])
    return begun


def change(request: HttpRequest, begun: SignInBegun) -> None:
    """Put in the place of what has its number."""
    _keep(request, [begun if each.number == begun.number else each for each in _all(request)])


def end(request: HttpRequest) -> None:
    """Who has signed in needs none of them."""
    request.session.pop(_KEY, None)


def _all(request: HttpRequest) -> list[SignInBegun]:
    kept: list[dict[str, Any]] = request.session.get(_KEY, [])
    return [SignInBegun(**values) for values in kept]


def _keep(request: HttpRequest, all_begun: list[SignInBegun]) -> None:
    request.session[_KEY] = [asdict(begun) for begun in all_begun]
