"""The counters of the SQL store: one statement takes any number of limits, or shows which one refused.

A row is a JSON object {slot: how much}. ``INSERT … ON CONFLICT DO UPDATE … WHERE`` adds to it only if what still
counts leaves room, evaluated by the database on the locked row, so no concurrency overshoots; rows are named in the
order of their keys, so no two requests wait for each other in a circle. PostgreSQL and SQLite (3.35 and later) differ
in the names of four JSON functions and in where the time comes from, and in nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models.functions import Greatest

from .. import clock
from ..challenges import Block
from ..models import Counter
from ..queries import Part, Rows, hexadecimal, loaded, run

_UNLIMITED = 2**60
LEDGER_SPAN = 30 * 24 * 3600 * 1000  # slots of one millisecond: a phone's failures count exactly, for 30 days
_KEPT = 3_600_000  # milliseconds that an empty row stays: it is the lock of its phone
# Expiry is rounded up to whole hours: it is indexed, and PostgreSQL writes a row in its place (a HOT update) only when
# no indexed column changes.
_COARSE = 3_600_000

_DIALECTS = {
    "postgresql": {
        "each": "jsonb_each_text",
        "collect": "jsonb_object_agg",
        "object": "jsonb_build_object",
        "json": "jsonb",
    },
    "sqlite": {"each": "json_each", "collect": "json_group_object", "object": "json_object", "json": "text"},
}

_TAKE = """
INSERT INTO {table} AS c (key, slots, newest, span, amount, version, blocked_until, expires_at)
VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
    slots = (
        SELECT COALESCE({collect}(CAST(merged.slot AS text), merged.n), CAST('{{}}' AS {json})) FROM (
            SELECT CAST(parts.slot AS bigint) AS slot, SUM(parts.n) AS n FROM (
                SELECT e.key AS slot, CAST(e.value AS integer) AS n FROM {each}(c.slots) AS e
                WHERE CAST(e.value AS integer) > 0
                UNION ALL
                SELECT e.key, CAST(e.value AS integer) FROM {each}(excluded.slots) AS e
            ) AS parts
            WHERE CAST(parts.slot AS bigint) >= excluded.newest - excluded.span
            GROUP BY CAST(parts.slot AS bigint) HAVING SUM(parts.n) > 0
        ) AS merged
    ),
    newest = excluded.newest, span = excluded.span, amount = excluded.amount, version = c.version + 1,
    expires_at = CASE WHEN excluded.expires_at > c.expires_at THEN excluded.expires_at ELSE c.expires_at END
WHERE (c.blocked_until <= {now} OR excluded.amount = {unlimited}) AND (
    SELECT COALESCE(SUM(CAST(e.value AS integer)), 0) FROM {each}(c.slots) AS e
    WHERE CAST(e.key AS bigint) >= excluded.newest - excluded.span AND CAST(e.value AS integer) > 0
) + (
    SELECT COALESCE(SUM(CAST(e.value AS integer)), 0) FROM {each}(excluded.slots) AS e
) <= excluded.amount
RETURNING key, slots, newest, {now}, blocked_until, version
"""


class Row(NamedTuple):
    """A counter after it was taken from."""

    slots: dict[str, int]
    newest: int
    now: int
    blocked_until: int  # of the last block, also when it is over
    version: int  # how often it was written


@dataclass(frozen=True, slots=True)
class Take:
    """What to add to a counter, if what still counts then is at most ``amount``.

    ``slot`` None is the slot of now. A ``cost`` of 0 adds nothing but locks the row, a negative one gives back: where
    there is nothing any more to give it back to, it is nothing, never a credit.
    """

    key: str
    span: int  # slots before the newest that still count
    width: int  # milliseconds of a slot
    cost: int = 1
    amount: int = _UNLIMITED
    slot: int | None = None
    slots: tuple[tuple[int, int], ...] = ()  # several at once, (slot, cost); used by the purge
    shared: bool = False  # all requests meet in it: it is locked last


def now_sql(alias: str) -> str:
    """The store's time as an SQL expression: PostgreSQL is asked, so that the clocks of web machines do not matter."""
    if connections[alias].vendor == "postgresql":
        return f"(CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint) + {clock.offset()})"
    return str(clock.milliseconds())


def taking(alias: str, takes: Sequence[Take]) -> Part:
    """Adds to all counters at once. What it returns is read by ``taken``."""
    vendor = connections[alias].vendor
    words, now = _DIALECTS[vendor], now_sql(alias)
    rows, params = [], list[Any]()
    for item in sorted(takes, key=lambda item: (item.shared, item.key)):
        newest = str(item.slot) if item.slot is not None else f"({now}) / {item.width}"
        slots = _slots_sql(item, newest, words, params_before := [item.key])
        kept = (item.span + 1) * item.width if item.cost or item.slots else _KEPT
        expires = f"(({now}) + {kept}) / {_COARSE} * {_COARSE} + {_COARSE}"
        rows.append(f"(%s, {slots}, {newest}, {item.span}, {item.amount}, 1, 0, {expires})")
        params += params_before
    table = Counter._meta.db_table
    return Part(_TAKE.format(table=table, rows=", ".join(rows), now=now, unlimited=_UNLIMITED, **words), params, 6)


def taken(rows: Rows) -> dict[str, Row]:
    """By key; one that is missing was refused, and the caller must roll back."""
    return {hexadecimal(key): Row(loaded(slots), *facts) for key, slots, *facts in rows}


def take(alias: str, takes: Sequence[Take]) -> dict[str, Row]:
    """Both of it."""
    return taken(run(alias, taking(alias, takes)))


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


def _slots_sql(item: Take, newest: str, words: dict[str, str], params: list[Any]) -> str:
    if item.slots:
        params.append(json.dumps(dict(item.slots)))
        return f"CAST(%s AS {words['json']})"
    if not item.cost:
        return f"CAST('{{}}' AS {words['json']})"
    return f"{words['object']}(CAST({newest} AS text), {item.cost})"


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
