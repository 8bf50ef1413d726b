"""The counters of the SQL store, as they are read and blocked; how they are taken is in :mod:`.takes`.

A row is a JSON object {slot: how much}.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connections
from django.db.models.functions import Greatest

from .. import clock
from ..challenges import Block
from ..models import Counter
from ..queries import Condition, Part, Rows, hexadecimal, loaded

LEDGER_SPAN = 30 * 24 * 3600 * 1000  # slots of one millisecond: a phone's failures count exactly, for 30 days


def now_sql(alias: str) -> str:
    """The store's time as an SQL expression: PostgreSQL is asked, so that the clocks of web machines do not matter."""
    if connections[alias].vendor == "postgresql":
        return f"(CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint) + {clock.offset()})"
    return str(clock.milliseconds())


def read_now(alias: str) -> int:
    """The store's time."""
    if connections[alias].vendor == "sqlite":
        return int(now_sql(alias))
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(alias)}")
        return int(cursor.fetchone()[0])


def read(alias: str, keys: Sequence[str]) -> tuple[int, dict[str, tuple[dict[str, int], int]]]:
    """The store's time, and of each key that is there its slots and until when it is blocked. Without a lock."""
    connection = connections[alias]
    marks = ", ".join(["%s"] * len(keys))
    sql = f"""
        SELECT {now_sql(alias)}, c.key, c.slots, c.blocked_until
        FROM (SELECT 1 AS one) AS o LEFT JOIN {Counter._meta.db_table} AS c ON c.key IN ({marks})
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [UUID(key) if connection.vendor == "postgresql" else key for key in keys])
        rows = cursor.fetchall()
    return rows[0][0], {hexadecimal(key): (loaded(slots), until) for _, key, slots, until in rows if key is not None}


def block(alias: str, begun: Block) -> bool:
    """Refuse a key for a while; true for the one caller who began it."""
    free = Counter.objects.using(alias).filter(key=begun.key, blocked_until__lte=begun.since)
    return free.update(blocked_until=begun.until, expires_at=Greatest("expires_at", begun.until)) == 1


def lift(alias: str, key: str, forgives: str) -> None:
    """In the order of the keys, as everybody locks them."""
    for each in sorted({key, forgives}):
        counter = Counter.objects.using(alias).filter(key=each)
        counter.update(**({"blocked_until": 0} if each == key else {}), **({"slots": {}} if each == forgives else {}))


def looking(keys: Sequence[str]) -> Part:
    """Until when these are blocked, those that are or were, without a lock: key and instant."""
    marks = ", ".join(["%s"] * len(keys))
    return Part(f"SELECT key, blocked_until FROM {Counter._meta.db_table} WHERE key IN ({marks})", keys, 2)


def blocks_of(rows: Rows) -> dict[str, int]:
    """The answer to it, by key."""
    return {hexadecimal(key): until for key, until in rows}


def version_of(key: str) -> Part:
    """How often a counter was written."""
    return Part(f"SELECT version FROM {Counter._meta.db_table} WHERE key = %s", [key])


def current_version(key: str) -> Condition:
    """That number, as it is when a statement begins; 0 where there is none."""
    version = version_of(key)
    return Condition(f"COALESCE(({version.sql}), 0)", version.params)


def reading(alias: str, key: str) -> Part:
    """The store's time, the slots of a counter and how often it was written: NULL, the two, where it is not there.

    One that is expired, which a purge may delete and somebody write anew, is at no version.
    """
    now = now_sql(alias)
    sql = f"""
        SELECT {now}, c.slots, CASE WHEN c.expires_at < {now} THEN -1 ELSE c.version END
        FROM (SELECT 1 AS one) AS o LEFT JOIN {Counter._meta.db_table} AS c ON c.key = %s
    """
    return Part(sql, [key], 3)
