"""Keep the sign-ins that this browser has begun: its session holds them, each under a number.

So no other browser's request can touch them, no address shows the id of a challenge, and two tabs may ask for codes to
two phones without disturbing each other.
"""

from dataclasses import asdict, dataclass, fields, replace
from math import ceil
from typing import Any

from django.http import HttpRequest

from ..db import clock

_SESSION_KEY = "otp_app"
_MAX_KEPT = 5
_RETENTION_MS = 3_600_000  # whoever comes back later begins anew, and the next user of this browser sees no number


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """Hold a sign-in for which this browser has asked for a code."""

    number: int
    phone: str
    challenge_id: str
    extended: bool
    checks: int  # codes that were entered in this browser
    at: int  # milliseconds: when it was begun, or a code was last sent
    held_until: int = 0  # milliseconds: a send was refused until then

    def sent(self, challenge_id: str) -> "BegunSignIn":
        """Return the sign-in after another send; a new challenge can be extended again."""
        same = challenge_id == self.challenge_id
        now, extended = clock.milliseconds(), self.extended and same
        return replace(self, challenge_id=challenge_id, extended=extended, at=now, held_until=0)

    def refused(self, seconds: int) -> "BegunSignIn":
        """Return the sign-in after a refused send, which any limit would refuse again for that many seconds."""
        return replace(self, held_until=clock.milliseconds() + seconds * 1000)

    @property
    def held(self) -> int:
        """Return for how many seconds a send would still be refused."""
        return max(0, ceil((self.held_until - clock.milliseconds()) / 1000))


_FIELD_NAMES = {field.name for field in fields(BegunSignIn)}


def find(request: HttpRequest, number: int) -> BegunSignIn | None:
    """Return the sign-in of this browser with that number, or None."""
    return next((begun for begun in _load(request) if begun.number == number), None)


def newest(request: HttpRequest, phone: str = "") -> BegunSignIn | None:
    """Return the sign-in that was begun last, with ``phone`` if one is given, or None."""
    return next((begun for begun in reversed(_load(request)) if phone in ("", begun.phone)), None)


def begin(request: HttpRequest, phone: str, challenge_id: str) -> BegunSignIn:
    """Keep a new sign-in and return it; above the maximum the oldest one is forgotten."""
    before = _load(request)
    number = max((each.number for each in before), default=0) + 1
    begun = BegunSignIn(number, phone, challenge_id, extended=False, checks=0, at=clock.milliseconds())
    _save(request, [*before, begun][-_MAX_KEPT:])
    return begun


def update(request: HttpRequest, begun: BegunSignIn) -> None:
    """Replace the kept sign-in that has the same number."""
    _save(request, [begun if each.number == begun.number else each for each in _load(request)])


def forget(request: HttpRequest) -> None:
    """Forget all sign-ins of this browser, because one of them has succeeded."""
    request.session.pop(_SESSION_KEY, None)


def _load(request: HttpRequest) -> list[BegunSignIn]:
    kept: list[dict[str, Any]] = request.session.get(_SESSION_KEY, [])
    known = [BegunSignIn(**values) for values in kept if values.keys() == _FIELD_NAMES]  # not of another release
    return [begun for begun in known if begun.at + _RETENTION_MS > clock.milliseconds()]


def _save(request: HttpRequest, all_begun: list[BegunSignIn]) -> None:
    request.session[_SESSION_KEY] = [asdict(begun) for begun in all_begun]
