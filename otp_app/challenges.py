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


class Counts(StrEnum):
    """What a limit counts."""

    WAITS = "waits"  # the pause between sends to the challenge's phone
    SENDS = "sends"  # sends to the challenge's phone, by exact time
    FAILURES = "failures"  # failed comparisons on the challenge's phone, by exact time, reserved when it opens
    CROWD = "crowd"  # requests under a key shared by many phones, in 24 sub-buckets


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``amount`` per ``period`` seconds."""

    name: str
    counts: Counts
    amount: int
    period: int
    key: str = ""  # whom a key counter counts, as 32 hexadecimal digits; other limits count the challenge's phone
    ring: int = 0  # which of the counters under that key
    subject: str = ""  # the same for people: "prefix +99890123", "region UZ"; never a phone
    cost: int = 1  # how much a request takes
    converts: bool = False  # what it took comes back when the challenge is approved
    steps: tuple[int, ...] = ()  # of a WAITS limit: the pause in seconds after the 1st, 2nd, … send of the period
    proof: bool = False  # beyond half of its amount a send needs a proof of work
    blocks: int = 0  # seconds for which the key is refused once it would go beyond its amount
    shared: bool = False  # all requests meet in it: it is locked last
    kept: bool = False  # what it took never comes back, whatever becomes of the send

    def __hash__(self) -> int:
        return hash((self.name, self.key))  # a request looks up a dozen of them, and few are alike in both


def in_lock_order(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Return the limits in the one order in which every store locks what they count.

    The phone's own come first, then the key counters that few requests share, by key, then those in which all requests
    meet, by key. Challenges are locked after them. Two requests that lock in one order never wait for each other.
    """
    return tuple(sorted(limits, key=lambda limit: (limit.shared, limit.key)))


@dataclass(frozen=True, slots=True)
class Conversion:
    """Say how many of a region's sends must be followed by a success, judged on three limits of the same send and key.

    Below ``proof`` percent of at least ``least`` sends a proof of work is needed. Below ``block`` percent, not counting
    what is so young that its success may still come, the region is refused for ``blocks`` seconds.
    """

    key: str  # of the region's counters
    sends: int  # the ring that counts all sends
    unconverted: int  # the ring that counts those without a success
    fresh: int  # the ring that counts, of these, the young ones
    subject: str
    least: int
    proof: int
    block: int  # 0: never, for home regions
    blocks: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks of the limits: all of it is taken, or nothing and it is refused."""

    limits: tuple[Limit, ...] = ()
    conversion: Conversion | None = None
    proven: bool = False  # a proof of work came with it


@dataclass(frozen=True, slots=True)
class Charge:
    """Remember what was taken from a key counter, so that it can be given back where it was taken."""

    key: str
    ring: int
    slot: int
    cost: int = 1
    shared: bool = False  # as of the limit
    converts: bool = True  # as of the limit: a success gives it back; else only a send that surely did not leave does
    sent_at: int = 0  # which send of the challenge took it; 0 for a check, or a try to sign in by password


@dataclass(frozen=True, slots=True)
class Block:
    """A key that is refused for a while, and why. Instants in milliseconds by the store's clock."""

    key: str
    forgives: int  # the ring under that key that is emptied when an operator lifts the block
    subject: str
    limit: str
    reason: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The state of one limit: how much is taken and how long the next request would wait, in milliseconds."""

    limit: Limit
    used: int
    wait: int
    blocked_until: int = 0  # milliseconds since 1970; 0 when it is not blocked


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
    charges: tuple[Charge, ...] = ()

    @property
    def expires_at(self) -> int:
        return self.created_at + self.ttl * 1000

    @property
    def failures(self) -> int:
        """Comparisons that failed: all that were spent, but for the one that was right."""
        return max(0, self.checks - self.checks_left - (self.status is Status.APPROVED))

    def less_failures(self, charges: Iterable[Charge]) -> tuple[Charge, ...]:
        """Return what is to be given back of these: of comparisons, of which a send takes several, not the failed.

        The comparison that was paid last is no failure when the challenge is approved.
        """
        failed = self.failures
        return tuple(each if each.cost == 1 else replace(each, cost=each.cost - failed) for each in charges)


@dataclass(frozen=True, slots=True)
class Claim:
    """That a send is handed over at once, by the process that asks for it: written down with the send itself."""

    provider: str  # the alias of the one to be asked first
    watched: tuple[str, ...] = ()  # counters whose blocks say whether it may be asked


# By channel: of all that are on offer, where the channel is that of the send before.
Claims = Mapping[str, Claim]


@dataclass(frozen=True, slots=True)
class Draft:
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
    draft: Draft | None = None  # where the process that asks for the send hands it over

    @property
    def expires_in(self) -> int:
        """Whole seconds the code still lives, never negative."""
        return max(0, (self.challenge.expires_at - self.now) // 1000)


@dataclass(frozen=True, slots=True)
class State:
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
