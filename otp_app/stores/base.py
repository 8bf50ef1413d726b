"""Define what every store of challenges and counters does, so that no caller branches on which store it is."""

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

        With ``claims`` the caller has claimed the delivery already, by the claim of the challenge's channel.
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
        or from another device. An empty ``channel`` stands for that of the send before.
        """

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, request_limits: RequestLimits, *, device: str = ""
    ) -> Challenge | None:
        """Pay for one comparison before it is made. Return None and take nothing when no open challenge matches.

        Without an id, choose the newest open challenge of the device, else of the phone's strangers, and take the check
        also from the challenge's share for requests that name only the phone.
        """

    def fail(self, challenge: Challenge) -> None:
        """Remember that the comparison paid for last has failed; in the database when the store itself may forget."""

    def extend(self, challenge_id: str, ttl: int) -> bool:
        """Let an open challenge live ``ttl`` seconds from its beginning; change nothing else of it.

        Return False when the challenge is closed, has no check left, or lives that long already.
        """

    def close(self, challenge: Challenge, status: Status) -> bool:
        """Move a pending challenge to its end; return True to exactly one caller.

        ``challenge`` is what ``spend_check`` or ``get`` gave. An approval closes the phone's other open challenges of
        that purpose and gives back what a success gives back.
        """

    def reopen(self, challenge: Challenge) -> None:
        """Make an approved challenge pending again, for whoever has approved it and has signed nobody in.

        Another check may be paid for, and the right code closes the challenge anew. What the approval gave back is not
        given back twice.
        """

    def undo_send(self, challenge: Challenge, *, chosen: bool = False) -> None:
        """Give back all that the last send took, which surely did not leave; cancel a challenge that had no other.

        With ``chosen``, the send failed because of what the person asked for: give back only to the phone. Give nothing
        back at a second call or after an approval.
        """

    def take(self, request_limits: RequestLimits) -> tuple[Increment, ...]:
        """Take limits of key counters without a challenge; return what was taken, for ``give_back``."""

    def give_back(self, increments: Sequence[Increment]) -> None:
        """Give back to the key counters what ``take`` took, when a success has followed."""

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        """Return the state of these limits; for ``phone``, count what its devices, or else strangers, have used."""

    def forget(self, phone: str) -> None:
        """Delete the challenges of a phone. Its failed checks, and its sends as far as the store can, go on counting.

        The transaction of the erasure is open around this call, and this call is its last: what cannot be reached
        leaves everything as it was.
        """

    def settle(self) -> int:
        """Bring into the database what only the store knows; return how many sends were given up as *unknown*.

        The store alone knows which sends led to a sign-in, for the operator's report, and which sends a process claimed
        ``conf.LEASE`` seconds ago and never ended.
        """

    def set_blocks(self, blocks: Mapping[str, int]) -> None:
        """Set until when keys that a claim may watch are blocked (0: no longer); the database knows it already."""

    def now(self) -> int:
        """Return the milliseconds since 1970 by the store's clock."""

    def purge(self) -> int:
        """Delete what no longer counts; return the number of challenges that were deleted."""
