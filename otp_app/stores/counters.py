"""The counters of the SQL store: one statement takes any number of limits, or shows which one refused.

A row is a JSON object {slot: how much}. ``INSERT … ON CONFLICT DO UPDATE … WHERE`` adds to it only if what still
counts leaves room, evaluated by the database on the locked row, so no concurrency overshoots; rows are named in one
order, so no two requests wait for each other in a circle. What is asked comes as JSON, one parameter for any number of
limits. PostgreSQL and SQLite (3.35 and later) differ in the names of JSON functions and in where the time comes from,
and in nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models.functions import Greatest

from .. import clock
from ..challenges import Block
from ..models import Counter
from ..queries import ALWAYS, Condition, Part, Rows, hexadecimal, loaded, run, short

_UNLIMITED = 2**60
LEDGER_SPAN = 30 * 24 * 3600 * 1000  # slots of one millisecond: a phone's failures count exactly, for 30 days
_KEPT = 3_600_000  # milliseconds that an empty row stays: it is the lock of its phone
# Expiry is rounded up to whole hours: it is indexed, and PostgreSQL writes a row in its place (a HOT update) only when
# no indexed column changes.
_COARSE = 3_600_000

_ASKED = {  # what a Take says, as PostgreSQL reads it
    "key": "uuid",
    "slot": "bigint",
    "slots": "jsonb",
    "cost": "integer",
    "width": "bigint",
    "span": "bigint",
    "amount": "bigint",
    "kept": "bigint",
}
_EXTRACTED = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _ASKED)
_DIALECTS = {
    "postgresql": {
        "each": "jsonb_each_text",
        "collect": "jsonb_object_agg",
        "object": "jsonb_build_object",
        "asked": f"json_to_recordset(%s) AS s ({', '.join(f'{name} {kind}' for name, kind in _ASKED.items())})",
    },
    "sqlite": {
        "each": "json_each",
        "collect": "json_group_object",
        "object": "json_object",
        "asked": f"(SELECT {_EXTRACTED} FROM json_each(%s)) AS s",
    },
}

_TAKE = short("""
INSERT INTO {table} AS c (key, slots, newest, span, amount, version, blocked_until, expires_at)
SELECT r.key,
    COALESCE(r.slots, CASE WHEN r.cost = 0 THEN '{{}}' ELSE {object}(CAST(r.n AS text), r.cost) END),
    r.n, r.span, r.amount, 1, 0, {expires}
FROM (SELECT s.*, COALESCE(s.slot, {now} / s.width) AS n FROM {asked}) AS r
WHERE {only} AND r.cost <= r.amount
ON CONFLICT (key) DO UPDATE SET
    slots = (
        SELECT COALESCE({collect}(CAST(merged.slot AS text), merged.n), '{{}}') FROM (
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
""")

_LOCK = short("""
INSERT INTO {table} AS c (key, slots, newest, span, amount, version, blocked_until, expires_at)
SELECT %s, '{{}}', {now}, 0, 0, 1, 0, {expires} WHERE {only}
ON CONFLICT (key) DO UPDATE SET version = c.version + 1, expires_at = GREATEST(c.expires_at, excluded.expires_at)
WHERE c.version = {unchanged}
RETURNING 1
""")


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
    lock: bool = False  # of a phone: it is locked first

    def fits(self, slots: dict[str, int], blocked_until: int, now: int) -> bool:
        """Whether it could be taken from a counter that holds this."""
        held = sum(n for slot, n in slots.items() if n > 0 and int(slot) >= now // self.width - self.span)
        return blocked_until <= now and held + self.cost <= self.amount


def now_sql(alias: str) -> str:
    """The store's time as an SQL expression: PostgreSQL is asked, so that the clocks of web machines do not matter."""
    if connections[alias].vendor == "postgresql":
        offset = clock.offset()
        asked = "CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint)"
        return f"({asked} + {offset})" if offset else asked
    return str(clock.milliseconds())


def taking(alias: str, takes: Sequence[Take], only: Condition = ALWAYS, *, told: bool = True) -> Part:
    """Adds to all counters at once, on PostgreSQL ``only`` where that holds. What it returns is read by ``taken``."""
    now = now_sql(alias)
    sql = _TAKE.format(
        table=Counter._meta.db_table,
        now=now,
        expires=_expires_sql(now, "r.kept"),
        only=only.sql,
        unlimited=_UNLIMITED,
        **_DIALECTS[connections[alias].vendor],
    )
    in_order = sorted(takes, key=lambda item: (item.shared, not item.lock, item.key))
    return Part(sql, [f"[{', '.join(map(_asked, in_order))}]", *only.params], 6, told)


def _asked(item: Take) -> str:
    """As the statement reads it, in JSON: that is written here, for it is of digits alone."""
    slot = "null" if item.slot is None else item.slot
    slots = json.dumps(dict(item.slots)) if item.slots else "null"
    kept = (item.span + 1) * item.width if item.cost or item.slots else _KEPT
    counted = f'"slot": {slot}, "slots": {slots}, "cost": {item.cost}, "width": {item.width}, "span": {item.span}'
    return f'{{"key": "{item.key}", {counted}, "amount": {item.amount}, "kept": {kept}}}'


def locking(alias: str, key: str, unchanged: Condition, only: Condition = ALWAYS) -> Part:
    """Writes a row, on PostgreSQL, if it still is at the version ``unchanged``, which is 0 where there is none."""
    sql = _LOCK.format(
        table=Counter._meta.db_table,
        now=(now := now_sql(alias)),
        expires=_expires_sql(now, str(_KEPT)),
        only=only.sql,
        unchanged=unchanged.sql,
    )
    return Part(sql, [key, *only.params, *unchanged.params])


def taken(rows: Rows) -> dict[str, Row]:
    """By key; one that is missing was refused, and the others must be undone."""
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


def current_version(key: str) -> Condition:
    """That number, as it is when a statement begins; 0 where there is none."""
    return Condition(f"COALESCE((SELECT version FROM {Counter._meta.db_table} WHERE key = %s), 0)", [key])


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


def _expires_sql(now: str, kept: str) -> str:
    return f"({now} + {kept}) / {_COARSE} * {_COARSE} + {_COARSE}"


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
