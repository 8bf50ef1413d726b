"""What a store of challenges and counters must do. Whichever store it is, the callers do not branch on it."""

from typing import Protocol

from ..challenges import Challenge, Grant, Limit, Status


class Store(Protocol):
    """Each call is one transaction (SQL) or one script (Redis) and owns its ``now``.

    Limits are taken all or nothing and never overshot, and a refusal takes nothing. Calls raise ``Limited``,
    ``InsideTransaction``, or the database's own error when it cannot be reached.
    """

    def open(self, challenge: Challenge, limits: tuple[Limit, ...]) -> Grant:
        """Take the limits and a reserve of comparisons; keep the challenge and a queued delivery of its first send."""

    def get(self, challenge_id: str) -> Challenge | None:
        """The challenge as it stands, dead or alive."""

    def spend_send(
        self, phone: str, purpose: str, challenge_id: str, limits: tuple[Limit, ...], *, language: str, channel: str
    ) -> Grant:
        """Pay for one more send of an open challenge and queue its delivery; InvalidOrExpiredCode when it is none."""

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, limits: tuple[Limit, ...]
    ) -> Challenge | None:
        """Pay for one comparison before it is made; None, and nothing taken, when no open challenge answers to it.

        Without an id it is the phone's newest open challenge, and the check also comes out of its share for requests
        that name only the phone.
        """

    def close(self, challenge: Challenge, status: Status) -> bool:
        """Move a pending challenge to its end; true for exactly one caller.

        An approval closes the phone's other open challenges of that purpose and gives back what a success gives back.
        """

    def undo_send(self, challenge: Challenge) -> None:
        """Give the phone back the last send, which surely did not leave; cancel the challenge if it had no other."""

    def purge(self) -> int:
        """Delete what no longer counts; how many challenges that were."""
