"""Statements of our own: PostgreSQL is given several as one, for each costs a round trip.

It can also be told what has to hold, and undoes all of it where that does not.
"""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import DataError, connections, transaction


@dataclass(frozen=True, slots=True)
class Part:
    """One statement that returns so many columns, maybe to be run together with others."""

    sql: str
    params: Sequence[Any]
    columns: int = 1
    told: bool = True  # whether ``together`` gives its rows


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL for a WHERE, or for a value in it, with its parameters."""

    sql: str
    params: Sequence[Any] = ()


ALWAYS = Condition("true")


def short(sql: str) -> str:
    """Without what is for readers: psycopg keeps what it has found in a statement of up to 4,096 characters.

    Of a longer one it looks for the parameters at each request. No literal may have two spaces in a row.
    """
    return " ".join(sql.split())


Rows = list[tuple[Any, ...]]


def count_of(number: int, rows: int) -> Condition:
    """That of those that run ``together`` the part with this number (the first is 0) returned so many rows."""
    return Condition(f"(SELECT COUNT(*) FROM p{number}) = {rows}")


def may_combine(alias: str) -> bool:
    """Whether one statement can change several things: SQLite's cannot."""
    return connections[alias].vendor == "postgresql"


def together(alias: str, parts: Sequence[Part]) -> list[Rows]:
    """The rows of each that are to be told, in one statement on PostgreSQL; in any case they lock rows in this order.

    There all of them see the database as it was when the statement began, and values come as JSON has them.
    """
    combined = len(parts) > 1 and may_combine(alias)
    with connections[alias].cursor() as cursor:
        if combined:
            _bind_on_the_server(cursor)
            cursor.execute(_combined(parts), [param for part in parts for param in part.params])
            return [json.loads(rows) if rows else [] for rows in cursor.fetchone()]
        found = []
        for part in parts:
            cursor.execute(part.sql, part.params)
            found.append(cursor.fetchall())
    return found


def _bind_on_the_server(cursor: Any) -> None:
    """Send values beside the statement, not in its text: PostgreSQL's log quotes a statement that fails or is undone.

    As Django's option ``server_side_binding`` does for all statements of a database.
    """
    cursor.cursor = cursor.db.Database.Cursor(cursor.db.connection)


def _combined(parts: Sequence[Part]) -> str:
    """An expression of the SELECT list begins to work when it is asked for: those are asked for in order."""
    names = [[f"c{n}" for n in range(part.columns)] for part in parts]
    withs = [f"p{n} ({', '.join(names[n])}) AS ({part.sql})" for n, part in enumerate(parts)]
    told = [n for n, part in enumerate(parts) if part.told]
    rows = [f"(SELECT json_agg(json_build_array({', '.join(names[n])}))::text FROM p{n})" for n in told]
    return f"WITH {', '.join(withs)} SELECT {', '.join(rows)}"


def required(condition: Condition) -> Part:
    """Undoes what runs with it by ``all_or_nothing`` where this does not hold; PostgreSQL logs that as an error.

    An error is all that undoes a statement half way. The clock keeps it from being found by who plans the statement.
    """
    undone = f"CAST('{_UNDONE}' || clock_timestamp() AS integer)"
    return Part(f"SELECT CASE WHEN {condition.sql} THEN 1 ELSE {undone} END", condition.params)


_UNDONE = "otp_app goes another way, "
_SQLSTATE_OF_UNDONE = "22P02"  # invalid_text_representation


def all_or_nothing(alias: str, parts: Sequence[Part]) -> list[Rows] | None:
    """As ``together``, on PostgreSQL; None where something ``required`` did not hold, and then nothing is written."""
    savepoint = transaction.atomic(using=alias) if connections[alias].in_atomic_block else nullcontext()  # in tests
    try:
        with savepoint:
            return together(alias, parts)
    except DataError as error:
        if getattr(error.__cause__, "sqlstate", "") != _SQLSTATE_OF_UNDONE:
            raise
        return None


def run(alias: str, part: Part) -> Rows:
    return together(alias, [part])[0]


def hexadecimal(value: Any) -> str:
    """A UUID as a raw cursor or JSON gives it, as the digits that our ids are."""
    return value.replace("-", "") if isinstance(value, str) else str(value.hex)


def loaded(value: Any) -> Any:
    """A JSON column: a raw cursor gives its text, ``together`` what is in it."""
    return json.loads(value) if isinstance(value, str) else value
