"""The words of the product as frozen values: Challenge, Status, Limit. No Django here.

All instants are whole milliseconds since 1970 by the store's clock, all durations whole seconds.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

_ID = re.compile("[0-9a-f]{32}")


class Status(StrEnum):
    """What is stored. *Expired* and *exhausted* are computed from the numbers, never stored."""

    PENDING = "pending"
    APPROVED = "approved"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Increment:
    """Remember what was taken from a key counter, so that it can be given back where it was taken."""

    key: str
    ring: int
    slot: int
    cost: int = 1
    shared: bool = False  # as of the limit
    converts: bool = True  # as of the limit: a success gives it back; else only a send that surely did not leave does
    sent_at: int = 0  # which send of the challenge took it; 0 for a check, or a try to sign in by password


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One request to prove control of a phone."""

    id: str  # 128 random bits as 32 hexadecimal digits
    nonce: str  # 128 random bits that never leave the store; without them the key alone gives no code
    key_id: str  # which secret the code is derived with
    phone: str  # E.164
    purpose: str
    language: str
    channel: str
    length: int  # digits of the code
    ttl: int
    checks: int  # comparisons granted
    checks_left: int
    phone_checks_left: int  # of them, those open to requests that name only the phone
    sends_left: int
    device: str = ""  # the device it was opened from, which signed in before; empty for strangers
    status: Status = Status.PENDING
    created_at: int = 0
    checked_at: int = 0  # the last check
    closed_at: int = 0
    sent_at: tuple[int, ...] = ()  # sends that were, or may have been, accepted by a provider
    increments: tuple[Increment, ...] = ()

    @property
    def expires_at(self) -> int:
        return self.created_at + self.ttl * 1000

    @property
    def failures(self) -> int:
        """Comparisons that failed: all that were spent, but for the one that was right."""
        return max(0, self.checks - self.checks_left - (self.status is Status.APPROVED))

    def less_failures(self, increments: Iterable[Increment]) -> tuple[Increment, ...]:
        """Return what is to be given back of these: of comparisons, of which a send takes several, not the failed.

        The comparison that was paid last is no failure when the challenge is approved.
        """
        failed = self.failures
        return tuple(each if each.cost == 1 else replace(each, cost=each.cost - failed) for each in increments)


@dataclass(frozen=True, slots=True)
class Claim:
    """That a send is handed over at once, by the process that asks for it: written down with the send itself."""

    provider: str  # the alias of the one to be asked first
    watched: tuple[str, ...] = ()  # counters whose blocks say whether it may be asked


# By channel: of all that are on offer, where the channel is that of the send before.
Claims = Mapping[str, Claim]


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """Hold the record that the delivery of a claimed send begins with."""

    claim: Claim
    blocked: Mapping[str, int]  # of what the claim watches: until when, in milliseconds since 1970
    row: Mapping[str, Any]  # its fields
    journal: str = ""  # where it is written down, if it is not in the database yet


@dataclass(frozen=True, slots=True)
class Grant:
    """What the store answers to a send: the challenge after it, the store's time, and seconds to the next send."""

    challenge: Challenge
    now: int
    resend_in: int
    claimed: ClaimedDelivery | None = None  # where the process that asks for the send hands it over

    @property
    def expires_in(self) -> int:
        """Whole seconds the code still lives, never negative."""
        return max(0, (self.challenge.expires_at - self.now) // 1000)


@dataclass(frozen=True, slots=True)
class ChallengeState:
    """What the holder of a challenge's id may know of it; nothing of the person. Whole seconds."""

    challenge_id: str
    state: str  # of its newest message: "queued", "sent", "delivered", "undelivered" or "failed"
    channel: str
    channels: tuple[str, ...]  # the others on offer
    checks_left: int
    sends_left: int
    expires_in: int
    resend_in: int
    switch_in: int  # the same for another channel


def random_id() -> str:
    """128 bits from the system's generator (NIST SP 800-63B-4 §5.1 asks for 64 and more)."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether ``random_id`` could have made it."""
    return _ID.fullmatch(text) is not None
