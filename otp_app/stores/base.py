"""What a store of challenges and counters must do. Whichever store it is, the callers do not branch on it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..challenges import Challenge, Claims, Grant, Increment, Status
from ..limits.values import Limit, RequestLimits, Usage


class Store(Protocol):
    """Answer each call by one transaction (SQLite), function (PostgreSQL) or script (Redis), which owns its ``now``.

    A call takes all that a request asks of the limits, or refuses and takes nothing; no limit is ever overshot. Calls
    raise ``Limited``, ``ProofRequired``, ``InsideTransaction``, ``Unavailable``, or the database's own error when it
    cannot be reached.
    """

    def open(self, challenge: Challenge, request_limits: RequestLimits, claims: Claims | None = None) -> Grant:
        """Take the limits and a reserve of comparisons; keep the challenge and a queued delivery of its first send.

        With ``claims`` the delivery is taken on already by the caller, as its channel's says.
        """

    def get(self, challenge_id: str) -> Challenge | None:
        """Return the challenge as it stands, dead or alive; None when there is none of that id."""

    def spend_send(
        self,
        phone: str,
        purpose: str,
        challenge_id: str,
        request_limits: RequestLimits,
        claims: Claims | None = None,
        *,
        device: str,
        language: str,
        channel: str,
    ) -> Grant:
        """Pay for one more send of an open challenge and queue its delivery.

        Raise InvalidOrExpiredCode when no challenge of that id is open, or it was opened for another phone or purpose,
        or from another device. ``channel`` "" is the one of the send before.
        """

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, request_limits: RequestLimits, *, device: str = ""
    ) -> Challenge | None:
        """Pay for one comparison before it is made; None, and nothing taken, when no open challenge answers to it.

        Without an id it is the newest open challenge of the device, else of the phone's strangers, and the check also
        comes out of its share for requests that name only the phone.
        """

    def fail(self, challenge: Challenge) -> None:
        """Remember, where it lasts if the store itself may forget, that the comparison paid last has failed."""

    def extend(self, challenge_id: str, ttl: int) -> bool:
        """Let an open challenge live ``ttl`` seconds from its beginning; nothing else of the challenge changes.

        Return False when it is open no more, has no check left, or lives that long already.
        """

    def close(self, challenge: Challenge, status: Status) -> bool:
        """Move a pending challenge to its end; return True to exactly one caller.

        ``challenge`` is what ``spend_check`` or ``get`` gave. An approval closes the phone's other open challenges of
        that purpose and gives back what a success gives back.
        """

    def undo_send(self, challenge: Challenge, *, chosen: bool = False) -> None:
        """Give back all that the last send took, which surely did not leave; cancel a challenge that had no other send.

        With ``chosen`` the send failed for what the person asked for, and only the phone is given something back. A
        second call, or one after an approval, gives nothing back.
        """

    def take(self, request_limits: RequestLimits) -> tuple[Increment, ...]:
        """Take limits of key counters without a challenge; return what was taken, for ``give_back``."""

    def give_back(self, increments: Sequence[Increment]) -> None:
        """Give back to the key counters what ``take`` took, when a success has followed."""

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        """Return the state of these limits; those of a phone for ``phone``, by its devices or by strangers."""

    def lift(self, key: str, forgives: int) -> None:
        """End a block before its time and empty the counter, a ring of the same key, that led to it."""

    def settle(self) -> int:
        """Bring into the database what is not there yet; return how many sends were given up as *unknown*.

        What is not there yet is which sends led to a sign-in, for the operator's report, and the sends that a process
        took on ``conf.LEASE`` seconds ago and never ended.
        """

    def set_blocks(self, blocks: Mapping[str, int]) -> None:
        """Say until when keys that a claim may watch are held back, 0 for no more; the database knows it already."""

    def now(self) -> int:
        """Return the milliseconds since 1970 by the store's clock."""

    def purge(self) -> int:
        """Delete what no longer counts; return how many challenges that were."""
