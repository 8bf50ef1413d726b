"""Run the SQLite store's statements as raw SQL: Django builds a query several times longer than SQLite runs it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

from ...challenges import Challenge
from .. import wire

_MEMBERS = (*wire.MEMBERS, "taken")
_COLUMNS = ", ".join(_MEMBERS)


@dataclass
class Counter:
    """Hold the key counters of a subject, in the form that ``counters.rings`` works on."""

    key: str
    newest: list[int]
    rings: list[int]
    blocked_until: int = 0
    expires_at: int = 0


def run(alias: str, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def challenges(alias: str, where: str, values: Sequence[Any]) -> list[Challenge]:
    """Return the challenges for which the condition ``where`` holds."""
    rows = run(alias, f"SELECT {_COLUMNS} FROM otp_app_challenge WHERE {where}", values)
    return [_challenge_of(dict(zip(_MEMBERS, row, strict=True))) for row in rows]


def get(alias: str, challenge_id: str) -> Challenge | None:
    """Return the challenge as it stands, dead or alive."""
    return next(iter(challenges(alias, "id = %s", [challenge_id])), None)


def insert(alias: str, challenge: Challenge) -> None:
    marks = ", ".join(["%s"] * len(_MEMBERS))
    sql = f"INSERT INTO otp_app_challenge ({_COLUMNS}, expires_at) VALUES ({marks}, %s)"
    run(alias, sql, [*_values(challenge), challenge.expires_at])


def update(alias: str, challenge: Challenge) -> None:
    """Overwrite the row of a challenge."""
    changes = ", ".join(f"{name} = %s" for name in _MEMBERS)
    sql = f"UPDATE otp_app_challenge SET {changes}, expires_at = %s WHERE id = %s"
    run(alias, sql, [*_values(challenge), challenge.expires_at, challenge.id])


def counters(alias: str, keys: Iterable[str]) -> dict[str, Counter]:
    """Return the existing counters of these keys."""
    wanted = list(keys)
    marks = ", ".join(["%s"] * len(wanted))
    sql = f"SELECT key, newest, rings, blocked_until, expires_at FROM otp_app_key_counter WHERE key IN ({marks})"
    found = (Counter(row[0], json.loads(row[1]), json.loads(row[2]), *row[3:]) for row in run(alias, sql, wanted))
    return {counter.key: counter for counter in found}


def keep_counters(alias: str, changed: Iterable[Counter]) -> None:
    """Insert or overwrite the rows of these counters."""
    values: list[Any] = []
    for each in changed:
        values += each.key, json.dumps(each.newest), json.dumps(each.rings), each.blocked_until, each.expires_at
    if values:
        marks = ", ".join(["(%s, %s, %s, %s, %s)"] * (len(values) // 5))
        columns = "key, newest, rings, blocked_until, expires_at"
        run(alias, f"INSERT OR REPLACE INTO otp_app_key_counter ({columns}) VALUES {marks}", values)


def _values(challenge: Challenge) -> list[Any]:
    taken = wire.increments_in(challenge.increments)
    lists = {"sent_at": json.dumps(challenge.sent_at), "taken": json.dumps(taken)}
    return list((wire.document_of(challenge) | lists).values())


def _challenge_of(document: dict[str, Any]) -> Challenge:
    return wire.challenge_of(document | {name: json.loads(document[name] or "[]") for name in ("sent_at", "taken")})
