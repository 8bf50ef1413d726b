"""Define limits as frozen values, without Django."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Counts(StrEnum):
    """List what a limit can count. The words are stored: the functions in PostgreSQL compare with them."""

    WAITS = "waits"  # the pause between sends to the phone
    SENDS = "sends"  # sends to the phone, by exact time
    FAILURES = "failures"  # failed comparisons for the phone, by exact time; a challenge reserves its own when it opens
    KEY = "crowd"  # requests in a key counter, in 24 sub-buckets


@dataclass(frozen=True, slots=True)
class Limit:
    """Allow at most ``amount`` per ``period`` seconds."""

    name: str
    counts: Counts
    amount: int
    period: int
    key: str = ""  # of the key counter, 32 hexadecimal digits; "" for limits that count the phone
    ring: int = 0  # the ring under that key
    subject: str = ""  # the key for people: "prefix +99890123", "region UZ"; never a phone
    cost: int = 1  # how much a request takes
    converts: bool = False  # an approval gives back what the request took
    steps: tuple[int, ...] = ()  # for WAITS: the pause in seconds after the 1st, 2nd, … send of the period
    proof: bool = False  # beyond half of its amount a send needs a proof of work
    blocks: int = 0  # seconds for which the key is blocked when it would exceed its amount
    shared: bool = False  # a hot counter, which all requests share: it is locked last
    kept: bool = False  # never given back, whatever becomes of the send

    def __hash__(self) -> int:
        return hash((self.name, self.key))  # cheaper than hashing all fields, and nearly as distinct


def in_lock_order(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Return limits in the order in which every store locks what they count, so that no two requests deadlock.

    First the phone, then the request's own key counters by key, then the shared key counters by key. Challenges are
    locked after all of them.
    """
    return tuple(sorted(limits, key=lambda limit: (limit.shared, limit.key)))


@dataclass(frozen=True, slots=True)
class Conversion:
    """Judge a region by the share of its sends that a success has followed.

    Of at least ``least`` sends, a share below ``proof`` percent makes sends need a proof of work. A share below
    ``block`` percent blocks the region for ``blocks`` seconds; there, sends so fresh that a success may still come do
    not count.
    """

    key: str  # of the region's key counters
    sends: int  # the ring of all sends
    unconverted: int  # the ring of unconverted sends
    fresh: int  # the ring of fresh unconverted sends
    subject: str
    least: int
    proof: int
    block: int  # 0: never, for home regions
    blocks: int


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Hold all limits that a request takes: the store takes all of them, or none and refuses."""

    limits: tuple[Limit, ...] = ()
    conversion: Conversion | None = None
    proven: bool = False  # the request brings a proof of work


@dataclass(frozen=True, slots=True)
class Usage:
    """Hold the state of one limit."""

    limit: Limit
    used: int
    wait: int  # milliseconds until the next request fits
    blocked_until: int = 0  # milliseconds since 1970; 0 when the key is not blocked
