"""Read key counters in the database, and change those that no limit counts.

These are a provider's failures, suppressed numbers, and the time of the last sweep. The stores count what requests
take.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import router, transaction

from ..db import writes
from ..db.clock import read_now
from ..models import Counter
from . import rings
from .rings import HOUR_MS, expiry

MONTH_MS = 30 * 24 * HOUR_MS  # for which failed checks of a phone count, and deliveries and blocks are kept


def database() -> str:
    """Return the alias of the database that counters are in."""
    return router.db_for_write(Counter)


def blocks(alias: str, keys: Sequence[str]) -> dict[str, int]:
    """Return until when each key is or was blocked, in milliseconds; keys that never were are missing."""
    rows = Counter.objects.using(alias).filter(key__in=keys, blocked_until__gt=0)
    return {key.hex: until for key, until in rows.values_list("key", "blocked_until")}


def block(alias: str, key: str, until: int) -> None:
    """Block a key until an instant."""
    with changing(alias, key) as counter:
        counter.blocked_until = until
        counter.expires_at = max(counter.expires_at, expiry(until + HOUR_MS))


def count(alias: str, key: str, period: int) -> int:
    """Add one to the first ring of a key; return the sum over ``period`` seconds."""
    now = read_now(alias)
    with changing(alias, key) as counter:
        _, before = rings.count(counter, 0, period, now, 1)
    return 1 + sum(n for _, n in before)


@contextmanager
def changing(alias: str, key: str) -> Iterator[Counter]:
    """Lock a counter, yield it to be changed, and save it."""
    with transaction.atomic(using=alias):
        empty = {"key": key, "newest": [], "rings": [], "expires_at": 0}
        # A write of nothing locks the row, also one that was not there, and SQLite's file before anything is read.
        writes.run(alias, writes.merging(alias, Counter, [empty], ["key"], then="key = excluded.key"))
        counter = Counter.objects.using(alias).get(key=key)
        yield counter
        counter.save(using=alias)


def recent_blocks(alias: str, since: int, most: int) -> dict[str, int]:
    """Return the keys whose block ends after ``since``, with the end of the block: the latest, at most ``most``."""
    rows = Counter.objects.using(alias).filter(blocked_until__gt=since).order_by("-blocked_until")
    return {key.hex: until for key, until in rows.values_list("key", "blocked_until")[:most]}
