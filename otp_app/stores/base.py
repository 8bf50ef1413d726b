"""What a store of challenges and counters must do. Whichever store it is, the callers do not branch on it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..challenges import Challenge, Charge, Claims, Demand, Grant, Limit, Status, Usage


class Store(Protocol):
    """Each call is one transaction or statement (SQL) or one script (Redis) and owns its ``now``.

    What a demand asks is taken all or nothing and never overshot, and a refusal takes nothing. Calls raise ``Limited``,
    ``ProofRequired``, ``InsideTransaction``, ``Unavailable``, or the database's own error when it cannot be reached.
    """

    def open(self, challenge: Challenge, demand: Demand, claims: Claims | None = None) -> Grant:
        """Take the limits and a reserve of comparisons; keep the challenge and a queued delivery of its first send.

        With ``claims`` the delivery is taken on already by the caller, as its channel's says.
        """

    def get(self, challenge_id: str) -> Challenge | None:
        """The challenge as it stands, dead or alive."""

    def spend_send(
        self,
        phone: str,
        purpose: str,
        challenge_id: str,
        demand: Demand,
        claims: Claims | None = None,
        *,
        device: str,
        language: str,
        channel: str,
    ) -> Grant:
        """Pay for one more send of an open challenge and queue its delivery; InvalidOrExpiredCode when it is none.

        It is none when it was opened for another phone or purpose, or from another device. ``channel`` "" is the one
        of the send before.
        """

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, demand: Demand, *, device: str = ""
    ) -> Challenge | None:
        """Pay for one comparison before it is made; None, and nothing taken, when no open challenge answers to it.

        Without an id it is the newest open challenge of the device, else of the phone's strangers, and the check also
        comes out of its share for requests that name only the phone.
        """

    def fail(self, challenge: Challenge) -> None:
        """The comparison that was paid last failed: remember it where it lasts, if the store itself may forget."""

    def extend(self, challenge_id: str, ttl: int) -> bool:
        """Let an open challenge live ``ttl`` seconds from its beginning, if that is longer; nothing else of it changes.

        False when it is open no more, has no check left, or lives that long already.
        """

    def close(self, challenge: Challenge, status: Status) -> bool:
        """Move a pending challenge to its end; true for exactly one caller.

        ``challenge`` is what ``spend_check`` or ``get`` gave. An approval closes the phone's other open challenges of
        that purpose and gives back what a success gives back.
        """

    def undo_send(self, challenge: Challenge, *, chosen: bool = False) -> None:
        """Give back all that the last send took, which surely did not leave; cancel the challenge if it had no other.

        With ``chosen`` it failed for what the person asked for, and only the phone is given it back. A second call, or
        one after an approval, gives nothing back.
        """

    def take(self, demand: Demand) -> tuple[Charge, ...]:
        """Take crowd limits without a challenge; what was taken, for a success to give back."""

    def give_back(self, charges: Sequence[Charge]) -> None: ...

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        """The state of these limits, those on a phone for ``phone`` and the lane of its devices or of strangers."""

    def lift(self, key: str, forgives: int) -> None:
        """End a block before its time and empty the counter, a ring of the same key, that led to it."""

    def settle(self) -> int:
        """Bring into the database what is not there yet; how many sends that were begun and never ended.

        That is which sends led to a sign-in, for the operator's report, and what was taken on ``conf.LEASE`` ago.
        """

    def hold(self, holds: Mapping[str, int]) -> None:
        """Until when keys are held back that a claim may watch, 0 for no more; it is in the database already."""

    def now(self) -> int:
        """Milliseconds since 1970 by the store's clock."""

    def purge(self) -> int:
        """Delete what no longer counts; how many challenges that were."""
