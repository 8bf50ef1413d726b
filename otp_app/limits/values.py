"""What limits are made of, as frozen values. No Django here."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Counts(StrEnum):
    """What a limit counts."""

    WAITS = "waits"  # the pause between sends to the challenge's phone
    SENDS = "sends"  # sends to the challenge's phone, by exact time
    FAILURES = "failures"  # failed comparisons on the challenge's phone, by exact time, reserved when it opens
    KEY = "crowd"  # requests under a key shared by many phones, in 24 sub-buckets


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
class RequestLimits:
    """What a request asks of the limits: all of it is taken, or nothing and it is refused."""

    limits: tuple[Limit, ...] = ()
    conversion: Conversion | None = None
    proven: bool = False  # a proof of work came with it


@dataclass(frozen=True, slots=True)
class Usage:
    """The state of one limit: how much is taken and how long the next request would wait, in milliseconds."""

    limit: Limit
    used: int
    wait: int
    blocked_until: int = 0  # milliseconds since 1970; 0 when it is not blocked
