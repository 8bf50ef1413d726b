"""Define limits as frozen values, without Django."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Counts(StrEnum):
    """List what a limit can count. The words go over the wire: PostgreSQL's functions and Redis's scripts know them."""

    WAITS = "waits"  # the pause between sends to the phone
    SENDS = "sends"  # sends to the phone, by exact time
    FAILURES = "failures"  # failed comparisons for the phone, by exact time; a challenge reserves its own when it opens
    KEY = "key"  # requests in a key counter, in 24 sub-buckets
    ANSWERED = "answered"  # messages that a success has followed, in a key counter; refuses nothing


@dataclass(frozen=True, slots=True)
class Limit:
    """Allow at most ``amount`` per ``period`` seconds, and more where many messages are answered."""

    name: str
    counts: Counts
    amount: int  # the floor
    period: int
    key: str = ""  # of the key counter, 32 hexadecimal digits; "" for limits that count the phone
    ring: int = 0  # the ring under that key
    subject: str = ""  # the key for people: "prefix +99890123", "region UZ"; never a phone
    cost: int = 1  # how much a request takes
    converts: bool = False  # an approval gives back what the request took
    steps: tuple[int, ...] = ()  # for WAITS: the pause in seconds after the 1st, 2nd, … send of the period
    growth: int = 0  # percent of what is answered under the key on a usual day, on top of the amount
    steady: bool = False  # the usual day is the average one of a week; else the last day, if that is better
    vouches: str = ""  # for ANSWERED: "known": the amount makes a network known; "young": below it nobody is known yet
    strangers: bool = False  # taken only by networks that are not known
    proof: bool = False  # beyond half of its amount a send needs a proof of work
    shared: int = 0  # of a hot counter, which many requests share and lock last: 1 for a region's, 2 for that of all
    kept: bool = False  # never given back, whatever becomes of the send

    def __hash__(self) -> int:
        return hash((self.name, self.key))  # cheaper than hashing all fields, and nearly as distinct


def in_lock_order(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Return limits in the order in which every store locks what they count, so that no two requests deadlock.

    First the phone, then the request's own key counters by key, then that of its region, then that of all. Challenges
    are locked after all of them. Who is a stranger is decided on the way: by the networks and then by the region.
    """
    return tuple(sorted(limits, key=lambda limit: (limit.shared, limit.key)))


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Hold all limits that a request takes: the store takes all of them, or none and refuses."""

    limits: tuple[Limit, ...] = ()
    proven: bool = False  # the request brings a proof of work


@dataclass(frozen=True, slots=True)
class Usage:
    """Hold the state of one limit."""

    limit: Limit
    used: int
    wait: int  # milliseconds until the next request fits
    amount: int  # in force: the floor, and what the answered messages add to it
