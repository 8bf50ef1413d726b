"""Define Challenge, Status, Grant and their parts as frozen values, without Django.

Instants are whole milliseconds since 1970 by the store's clock; durations are whole seconds.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_ID = re.compile("[0-9a-f]{32}")


class Status(StrEnum):
    """List the stored statuses of a challenge. *Expired* and *exhausted* are computed, never stored."""

    PENDING = "pending"
    APPROVED = "approved"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Increment:
    """Remember what a request added to a key counter, so that it can be given back."""

    key: str
    ring: int
    slot: int  # the sub-bucket
    cost: int = 1  # -1 for an answered message, which a success adds
    shared: int = 0  # as in the limit
    converts: bool = True  # as in the limit: a success gives it back; otherwise only an undone send does
    sent_at: int = 0  # the send of the challenge that added it; 0 for a check or a password


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Hold one request to prove control of a phone."""

    id: str  # 128 random bits as 32 hexadecimal digits
    nonce: str  # 128 random bits that never leave the store; the key alone gives no code
    key_id: str  # the fingerprint of the key that the code is derived with
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
    device: str = ""  # the known device that opened it; "" for strangers
    status: Status = Status.PENDING
    created_at: int = 0
    checked_at: int = 0  # the last check
    closed_at: int = 0
    sent_at: tuple[int, ...] = ()  # the sends that a provider has accepted or may have accepted
    increments: tuple[Increment, ...] = ()

    @property
    def expires_at(self) -> int:
        return self.created_at + self.ttl * 1000

    @property
    def is_notification(self) -> bool:
        """Tell whether nobody can answer it: its message has no code."""
        return not self.checks

    @property
    def failures(self) -> int:
        """Count the comparisons that failed: all that were spent, except the right one."""
        return max(0, self.checks - self.checks_left - (self.status is Status.APPROVED))


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim the delivery of a send for the process that asks for it, in the call that commits the send."""

    provider: str  # the alias of the provider to call first
    watched: tuple[str, ...] = ()  # keys whose blocks tell whether the number and the provider may be used


# Claims by channel: of all channels on offer, if the store is to take the channel of the send before.
Claims = Mapping[str, Claim]


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """Hold a delivery that was claimed together with its send."""

    claim: Claim
    blocked: Mapping[str, int]  # of the watched keys, those that were ever blocked: until when, milliseconds since 1970
    row: Mapping[str, Any]  # the fields of the delivery
    journal: str = ""  # its entry in the store's journal, if it is not in the database yet


@dataclass(frozen=True, slots=True)
class Grant:
    """Answer a send: the challenge after it, the store's time, and the seconds to the next send."""

    challenge: Challenge
    now: int
    resend_in: int
    claimed: ClaimedDelivery | None = None  # if the process that asks for the send delivers it, too

    @property
    def expires_in(self) -> int:
        """Return the whole seconds that the code still lives, at least 0."""
        return max(0, (self.challenge.expires_at - self.now) // 1000)


@dataclass(frozen=True, slots=True)
class ChallengeState:
    """Tell the holder of a challenge's id what became of it, and nothing of the person. Durations are whole seconds."""

    challenge_id: str
    state: str  # of its newest message: one of delivery.state.SHOWN_STATUSES
    channel: str
    channels: tuple[str, ...]  # the other channels on offer
    checks_left: int
    sends_left: int
    expires_in: int
    resend_in: int
    switch_in: int  # as resend_in, for another channel


def random_id() -> str:
    """Return 128 random bits as 32 hexadecimal digits (NIST SP 800-63B-4 §5.1 asks for at least 64 bits)."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Return whether a text has the form of ``random_id``."""
    return _ID.fullmatch(text) is not None
