"""Key counters as rings: each counts in 25 sub-buckets of a 24th of its period, the oldest of which counts whole.

So it never lets more through than its amount, and lets the next one through at most a 24th of the period late. A row
has one ring for each line of the table of limits that counts its subject. Sub-bucket n, the n-th since 1970, stands at
n mod 25 of its ring. PostgreSQL has the same in ``postgresql/functions/rings.sql``, Redis in ``lua/rings.lua``.
"""

from typing import Protocol

SUB_BUCKETS = 24
SIZE = SUB_BUCKETS + 1


class Rings(Protocol):
    """Hold them, as a row of ``models.Counter`` does."""

    newest: list[int]
    rings: list[int]


def width(period: int) -> int:
    """Return the milliseconds of a sub-bucket of so many seconds."""
    return period * 1000 // SUB_BUCKETS


def advance(counter: Rings, ring: int, slot: int) -> int:
    """Make that sub-bucket the newest of a ring, and forget what is too old by it; return the newest there is.

    Another server's clock may have been ahead: then its sub-bucket stays the newest.
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
    """Add to a sub-bucket, or give back by a negative cost: what is forgotten by now is nothing, never a credit."""
    if ring < len(counter.newest) and 0 <= counter.newest[ring] - slot <= SUB_BUCKETS:
        at = ring * SIZE + slot % SIZE
        counter.rings[at] = max(0, counter.rings[at] + cost)


def slots(counter: Rings, ring: int) -> dict[int, int]:
    """Return what is in each sub-bucket of a ring that is not empty, by its number."""
    if ring >= len(counter.newest):
        return {}
    newest, at = counter.newest[ring], ring * SIZE
    found = {slot: counter.rings[at + slot % SIZE] for slot in range(newest - SUB_BUCKETS, newest + 1)}
    return {slot: n for slot, n in found.items() if n}


def empty(counter: Rings, ring: int) -> None:
    """Forget all that a ring has counted."""
    counter.rings[ring * SIZE : (ring + 1) * SIZE] = [0] * len(counter.rings[ring * SIZE : (ring + 1) * SIZE])
