"""Sign-ins under way in this browser: which challenges are its own. They live in the session, each under a number.

So nobody else's request touches them, the id of a challenge stands in no address, and two tabs may ask for codes to two
numbers without getting into each other's way.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from django.http import HttpRequest

from ..db import clock

_KEY = "otp_app"
_MOST = 5
_KEPT = 3_600_000  # milliseconds: who comes back later begins anew, and who sits down here next learns no number


@dataclass(frozen=True, slots=True)
class SignInBegun:
    """A code was asked for, by this browser."""

    number: int
    phone: str
    challenge_id: str
    extended: bool
    checks: int  # codes that were typed here
    at: int  # milliseconds: when it was begun
    held_until: int = 0  # milliseconds: a send was refused for so long

    def sent(self, challenge_id: str) -> "SignInBegun":
        """After another send: of a new challenge nothing is used up yet."""
        same = challenge_id == self.challenge_id
        now, extended = clock.milliseconds(), self.extended and same
        return replace(self, challenge_id=challenge_id, extended=extended, at=now, held_until=0)

    def hold(self, seconds: int) -> "SignInBegun":
        """After a send that was refused for so long, by whichever limit."""
        return replace(self, held_until=clock.milliseconds() + seconds * 1000)

    @property
    def held(self) -> int:
        """Return the seconds for which a send would still be refused."""
        return max(0, -(-(self.held_until - clock.milliseconds()) // 1000))


_NAMES = {field.name for field in fields(SignInBegun)}


def find(request: HttpRequest, number: int) -> SignInBegun | None:
    return next((begun for begun in _all(request) if begun.number == number), None)


def newest(request: HttpRequest, phone: str = "") -> SignInBegun | None:
    """The last that was begun, with that phone if one is named."""
    return next((begun for begun in reversed(_all(request)) if phone in ("", begun.phone)), None)


def begin(request: HttpRequest, phone: str, challenge_id: str) -> SignInBegun:
    before = _all(request)
    number = max((each.number for each in before), default=0) + 1
    begun = SignInBegun(number, phone, challenge_id, extended=False, checks=0, at=clock.milliseconds())
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
    known = [SignInBegun(**values) for values in kept if values.keys() == _NAMES]  # not of an older version, or a newer
    return [begun for begun in known if begun.at + _KEPT > clock.milliseconds()]


def _keep(request: HttpRequest, all_begun: list[SignInBegun]) -> None:
    request.session[_KEY] = [asdict(begun) for begun in all_begun]
