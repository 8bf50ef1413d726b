"""Key counters in the project's database: read any, and change those that no request's limit counts.

Those are a provider's failures, numbers that get nothing for a while, and when a sweep ran. What requests take is
counted by the stores.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from ..db import writes
from ..db.clock import read_now
from ..models import Counter
from . import rings

HOUR = 3_600_000  # milliseconds
MONTH = 30 * 24 * HOUR  # how long a phone's failed checks count, and the records of deliveries and blocks are kept


def blocks(alias: str, keys: Sequence[str]) -> dict[str, int]:
    """Return until when each of the keys is blocked, or was the last time; those that never were are missing."""
    rows = Counter.objects.using(alias).filter(key__in=keys, blocked_until__gt=0)
    return {key.hex: until for key, until in rows.values_list("key", "blocked_until")}


def block(alias: str, key: str, until: int) -> None:
    """Refuse a key until then."""
    with changing(alias, key) as counter:
        counter.blocked_until = until
        counter.expires_at = max(counter.expires_at, expiry(until + HOUR))


def count(alias: str, key: str, period: int) -> int:
    """Count one more in the first ring of a key; return how many there were in so many seconds."""
    slot = read_now(alias) // rings.width(period)
    with changing(alias, key) as counter:
        newest = rings.advance(counter, 0, slot)
        rings.add(counter, 0, newest, 1)
        counter.expires_at = max(counter.expires_at, expiry((newest + rings.SIZE) * rings.width(period)))
    return sum(rings.slots(counter, 0).values())


@contextmanager
def changing(alias: str, key: str) -> Iterator[Counter]:
    """Give a counter to be changed, alone with it, and write it down."""
    with transaction.atomic(using=alias):
        empty = {"key": key, "newest": [], "rings": [], "expires_at": 0}
        # A write of nothing locks the row, also one that was not there, and SQLite's file before anything is read.
        writes.run(alias, writes.merging(alias, Counter, [empty], ["key"], then="key = excluded.key"))
        counter = Counter.objects.using(alias).get(key=key)
        yield counter
        counter.save(using=alias)


def expiry(at: int) -> int:
    """Round up to whole hours: the column is indexed, and PostgreSQL changes a row in its place if no index does."""
    return -(-at // HOUR) * HOUR


def recent_blocks(alias: str, since: int, most: int) -> dict[str, int]:
    """Return which keys are blocked, or were since that instant, and until when: the latest, at most so many."""
    rows = Counter.objects.using(alias).filter(blocked_until__gt=since).order_by("-blocked_until")
    return {key.hex: until for key, until in rows.values_list("key", "blocked_until")[:most]}
