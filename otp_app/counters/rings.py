"""Count in rings: 25 sub-buckets, each a 24th of the period, of which the oldest counts whole.

So a counter never lets through more than its amount, and lets the next request through at most a 24th of the period
late. A row has one ring for each rule that counts its subject. The n-th sub-bucket since 1970 stands at n mod 25 of its
ring. PostgreSQL has the same in ``postgresql/functions/rings.sql``, Redis in ``lua/rings.lua``.
"""

from math import ceil
from typing import Protocol

SUB_BUCKETS = 24
SIZE = SUB_BUCKETS + 1
HOUR_MS = 3_600_000

Entries = list[tuple[int, int]]  # (the instant until which it counts, how much)


class Rings(Protocol):
    """Hold the rings of a subject, as a row of ``models.Counter`` does."""

    newest: list[int]
    rings: list[int]
    expires_at: int


def width(period: int) -> int:
    """Return the milliseconds of a sub-bucket; ``period`` is in seconds."""
    return period * 1000 // SUB_BUCKETS


def count(counter: Rings, ring: int, period: int, now: int, cost: int) -> tuple[int, Entries]:
    """Add a cost to the newest sub-bucket of a ring; return its number, and what the ring held before.

    A sub-bucket counts until the newest is more than 24 ahead of it. ``period`` is in seconds.
    """
    span = width(period)
    slot = advance(counter, ring, now // span)
    before = [((each + SIZE) * span, n) for each, n in slots(counter, ring).items()]
    add(counter, ring, slot, cost)
    counter.expires_at = max(counter.expires_at, expiry((slot + SIZE) * span))
    return slot, before


def expiry(at: int) -> int:
    """Round an expiry up to whole hours: PostgreSQL updates a row in place while no indexed column changes."""
    return ceil(at / HOUR_MS) * HOUR_MS


def advance(counter: Rings, ring: int, slot: int) -> int:
    """Make a sub-bucket the newest of a ring, empty those that are too old, and return the newest.

    A later sub-bucket stays the newest: another server's clock may have been ahead.
    """
    missing = ring + 1 - len(counter.newest)
    counter.newest += [0] * missing
    counter.rings += [0] * (missing * SIZE)
    before = counter.newest[ring]
    newest = max(before, slot)
    for old in range(max(before + 1, newest - SUB_BUCKETS), newest + 1):
        counter.rings[ring * SIZE + old % SIZE] = 0
    counter.newest[ring] = newest
    return newest


def add(counter: Rings, ring: int, slot: int, cost: int) -> None:
    """Add a cost to a sub-bucket, or give it back if negative; a sub-bucket that is gone takes nothing."""
    if ring < len(counter.newest) and 0 <= counter.newest[ring] - slot <= SUB_BUCKETS:
        at = ring * SIZE + slot % SIZE
        counter.rings[at] = max(0, counter.rings[at] + cost)


def slots(counter: Rings, ring: int) -> dict[int, int]:
    """Return the sub-buckets of a ring that are not empty, by number."""
    if ring >= len(counter.newest):
        return {}
    newest, at = counter.newest[ring], ring * SIZE
    found = {slot: counter.rings[at + slot % SIZE] for slot in range(newest - SUB_BUCKETS, newest + 1)}
    return {slot: n for slot, n in found.items() if n}


def empty(counter: Rings, ring: int) -> None:
    """Empty a ring."""
    counter.rings[ring * SIZE : (ring + 1) * SIZE] = [0] * len(counter.rings[ring * SIZE : (ring + 1) * SIZE])
