"""Taking from the counters of the SQL store: one statement takes any number of limits, or shows which one refused.

``INSERT … ON CONFLICT DO UPDATE … WHERE`` adds to a row only if what still counts leaves room, evaluated by the
database on the locked row, so no concurrency overshoots; rows are named in one order, so no two requests wait for each
other in a circle. What is asked comes as JSON, one parameter for any number of limits. PostgreSQL and SQLite (3.35 and
later) differ in the names of JSON functions and in where the time comes from, and in nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connections

from ..models import Counter
from ..queries import ALWAYS, Condition, Part, Rows, hexadecimal, loaded, run, short
from .counters import now_sql

_UNLIMITED = 2**60
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
    return Part(sql, [json.dumps([_asked(item) for item in in_order]), *only.params], 6, told)


def _asked(item: Take) -> dict[str, Any]:
    """As the statement reads it."""
    kept = (item.span + 1) * item.width if item.cost or item.slots else _KEPT
    asked = {"key": item.key, "slot": item.slot, "cost": item.cost, "width": item.width, "span": item.span}
    return asked | {"amount": item.amount, "kept": kept, "slots": dict(item.slots) or None}


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
    """``taking``, run alone, and ``taken``."""
    return taken(run(alias, taking(alias, takes)))


def _expires_sql(now: str, kept: str) -> str:
    return f"({now} + {kept}) / {_COARSE} * {_COARSE} + {_COARSE}"
