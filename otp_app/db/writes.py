"""Write rows without the ORM's cost for each of them, with their values prepared by their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from django.db import connections, models

from .turns import turn

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """Hold one statement and its parameters."""

    sql: str
    params: Sequence[Any]


def may_combine(alias: str) -> bool:
    """Tell whether one statement can change several things: SQLite's cannot."""
    return connections[alias].vendor == "postgresql"


def take_turn(alias: str, key: str, model: type[models.Model]) -> None:
    """Wait within a transaction until no other one has taken the turn of a key, a UUID.

    SQLite has one turn for the whole file, its write lock, which is taken by deleting nothing from the model's table.
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        if may_combine(alias):
            cursor.execute("SELECT pg_advisory_xact_lock(uuid_hash_extended(%s, 0))", [UUID(key)])
        else:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)} WHERE false")


def run(alias: str, part: Part) -> Rows:
    """Run a statement that returns rows, and return them."""
    with turn(alias), connections[alias].cursor() as cursor:
        cursor.execute(part.sql, part.params)
        rows: Rows = cursor.fetchall()
    return rows


def inserting(alias: str, model: type[models.Model], values: Mapping[str, Any]) -> Part:
    """Return the insertion of a row; fields that are not named get their defaults."""
    (head, row), params = _inserted(alias, model, values)
    return Part(f"{head} VALUES {row} RETURNING 1", params)


def merging(
    alias: str, model: type[models.Model], rows: Sequence[Mapping[str, Any]], unique: Sequence[str], then: str = ""
) -> Part:
    """Return the insertion of rows of the same fields; on a conflict in ``unique``, set ``then``, or change nothing."""
    inserted = [_inserted(alias, model, row) for row in rows]
    head, row = inserted[0][0]
    fields: list[Any] = [model._meta.get_field(name) for name in unique]
    known = ", ".join(field.column for field in fields)
    conflict = f"ON CONFLICT ({known}) DO {f'UPDATE SET {then}' if then else 'NOTHING'}"
    sql = f"{head} VALUES {', '.join([row] * len(rows))} {conflict} RETURNING 1"
    return Part(sql, [param for _, params in inserted for param in params])


def _inserted(
    alias: str, model: type[models.Model], values: Mapping[str, Any]
) -> tuple[tuple[str, str], Sequence[Any]]:
    connection: Any = connections[alias]
    columns = [column for column in _columns(model) if column.attname in values or not column.default]
    params = [column.prepared(values, connection) for column in columns]
    return _insert(model, tuple(column.attname for column in columns)), params


@lru_cache(maxsize=64)
def _insert(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, str]:
    """Return what stands before and after VALUES when these fields are named."""
    columns = _columns(model)
    marks = ", ".join("%s" if column.attname in names else column.default for column in columns)
    table, into = model._meta.db_table, ", ".join(column.name for column in columns)
    return f"INSERT INTO {table} ({into})", f"({marks})"


def inserting_found(
    alias: str, model: type[models.Model], values: Mapping[str, Any], where: Part = Part("found.is_active", ())
) -> Part:
    """Write the change, for a look-up of users to make ``also``: a new row of who was ``found``, if ``where`` holds.

    Fields that are not named have their defaults. The model may be a project's, with names that must be quoted.
    """
    sql, columns = _insert_found(alias, model)
    connection: Any = connections[alias]
    params = [column.prepared(values, connection) for column in columns]
    return Part(f"{sql} {where.sql}", [*params, *where.params])


@lru_cache(maxsize=16)
def _insert_found(alias: str, model: type[models.Model]) -> tuple[str, list["_Column"]]:
    """Return the statement, put together once, and the columns whose values are its parameters."""
    quote, user = connections[alias].ops.quote_name, cast("Any", model._meta.get_field("user"))
    columns = [column for column in _columns(model) if column.attname != user.attname]
    names = [*(column.name for column in columns), user.column]
    row = ", ".join([*["%s"] * len(columns), f'found."{user.target_field.attname}"'])
    into = f"{quote(model._meta.db_table)} ({', '.join(map(quote, names))})"
    return f"INSERT INTO {into} SELECT {row} FROM found WHERE", columns


def prepared(field: Any, value: Any, connection: Any) -> Any:
    """Return a value of a field as the driver takes it. PostgreSQL's takes instants as they are."""
    is_instant = type(field) is models.DateTimeField and type(value) is datetime
    return value if is_instant and connection.vendor == "postgresql" else field.get_db_prep_save(value, connection)


def updating(
    alias: str, model: type[models.Model], values: Mapping[str, Any], where: str, among: Sequence[Any]
) -> Part:
    """Return the update of the rows for which ``where`` holds; ``among`` are its parameters."""
    connection: Any = connections[alias]
    changed = [column for column in _columns(model) if column.attname in values]
    params = [column.prepared(values, connection) for column in changed]
    sets = ", ".join(f"{column.name} = %s" for column in changed)
    return Part(f"UPDATE {model._meta.db_table} SET {sets} WHERE {where} RETURNING 1", [*params, *among])


@dataclass(frozen=True, slots=True)
class _Column:
    attname: str
    name: str
    field: Any
    plain: tuple[type, ...]  # values of these types go to any database as they are
    default: str  # as SQL; empty when it is none that can be written down once and for all

    def prepared(self, values: Mapping[str, Any], connection: Any) -> Any:
        value = values[self.attname] if self.attname in values else self.field.get_default()
        return value if isinstance(value, self.plain) else prepared(self.field, value, connection)


@lru_cache(maxsize=32)
def _columns(model: type[models.Model]) -> tuple[_Column, ...]:
    """Return the columns of a model, except a key that the database generates."""
    fields: list[Any] = [each for each in model._meta.concrete_fields if each is not model._meta.auto_field]
    return tuple(_Column(each.attname, each.column, each, _plain(each), _default(each)) for each in fields)


def _plain(field: Any) -> tuple[type, ...]:
    """Return the types whose values need no preparation: both databases take a UUID as hexadecimal digits."""
    kinds = {models.UUIDField: str, models.CharField: str, models.IntegerField: int, models.BooleanField: bool}
    kinds |= {models.BinaryField: bytes}
    return tuple(kind for of, kind in kinds.items() if isinstance(field, of))


def _default(field: Any) -> str:
    value = None if callable(field.default) else field.get_default()
    if value is None:
        return "NULL" if field.null else ""
    return str(int(value)) if type(value) is int else {"": "''", True: "TRUE", False: "FALSE"}.get(value, "")
