"""Rows that are written without what the ORM costs at each of them, their values as their fields want them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connections, models

from .queries import Condition, Part


def inserting(alias: str, model: type[models.Model], values: Mapping[str, Any], only: Condition | None = None) -> Part:
    """A new row, on PostgreSQL ``only`` where that holds; fields that are not named have their defaults."""
    if only:
        return _inserting_only(model, values, only)
    (head, row), params = _inserted(alias, model, values)
    return Part(f"{head} VALUES {row} RETURNING 1", params)


def _inserting_only(model: type[models.Model], values: Mapping[str, Any], only: Condition) -> Part:
    """The row is one parameter: those of its columns would be more than psycopg keeps a statement with (``short``)."""
    table = model._meta.db_table
    columns = [each for each in _columns(model) if each.attname in values or each.default != "NULL"]
    names = ", ".join(column.name for column in columns)
    # Without names where there is nothing that the database makes: they are a tenth of what a statement may be long.
    into, row = (f"{table} ({names})", names) if model._meta.auto_field else (table, "*")
    sql = f"INSERT INTO {into} SELECT {row} FROM json_populate_record(NULL::{table}, %s) WHERE {only.sql} RETURNING 1"
    document = {column.name: column.plainly(values) for column in columns}
    return Part(sql, [json.dumps(document, default=_text), *only.params])


def _text(value: Any) -> str:
    """As PostgreSQL reads a value for which JSON has no type."""
    return f"\\x{bytes(value).hex()}" if isinstance(value, bytes | memoryview) else str(value)


def merging(
    alias: str, model: type[models.Model], rows: Sequence[Mapping[str, Any]], unique: Sequence[str], then: str = ""
) -> Part:
    """New rows, all of the same fields. Of one that is there by its ``unique`` ones ``then`` is set, or nothing."""
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
    """What stands before and after VALUES, where these fields are named."""
    columns = _columns(model)
    marks = ", ".join("%s" if column.attname in names else column.default for column in columns)
    table, into = model._meta.db_table, ", ".join(column.name for column in columns)
    return f"INSERT INTO {table} ({into})", f"({marks})"


def inserting_found(
    alias: str, model: type[models.Model], values: Mapping[str, Any], taken: Mapping[str, str], where: str
) -> Part:
    """A new row, for a look-up to write ``also``. ``taken`` are columns and what they take from ``found``."""
    connection: Any = connections[alias]
    columns = [column for column in _columns(model) if column.attname in values]
    into = ", ".join([*(column.name for column in columns), *taken])
    select = ", ".join([*["%s"] * len(columns), *taken.values()])
    sql = f"INSERT INTO {model._meta.db_table} ({into}) SELECT {select} FROM found WHERE {where}"
    return Part(sql, [column.prepared(values, connection) for column in columns])


def updating(
    alias: str, model: type[models.Model], values: Mapping[str, Any], where: str, among: Sequence[Any]
) -> Part:
    """Changes of the rows for which ``where`` holds, with its parameters."""
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
        value = self._value(values)
        return value if isinstance(value, self.plain) else self.field.get_db_prep_save(value, connection)

    def plainly(self, values: Mapping[str, Any]) -> Any:
        """Before it is made what a driver takes."""
        value = self._value(values)
        return value if isinstance(value, self.plain) else self.field.get_prep_value(value)

    def _value(self, values: Mapping[str, Any]) -> Any:
        return values[self.attname] if self.attname in values else self.field.get_default()


@lru_cache(maxsize=32)
def _columns(model: type[models.Model]) -> tuple[_Column, ...]:
    """But for a key that the database makes."""
    fields: list[Any] = [each for each in model._meta.concrete_fields if each is not model._meta.auto_field]
    return tuple(_Column(each.attname, each.column, each, _plain(each), _default(each)) for each in fields)


def _plain(field: Any) -> tuple[type, ...]:
    """An id of ours is the hexadecimal digits of a UUID, which both databases take."""
    kinds = {models.UUIDField: str, models.CharField: str, models.IntegerField: int, models.BooleanField: bool}
    return tuple(kind for of, kind in kinds.items() if isinstance(field, of))


def _default(field: Any) -> str:
    value = None if callable(field.default) else field.get_default()
    if value is None:
        return "NULL" if field.null else ""
    return str(int(value)) if type(value) is int else {"": "''", True: "TRUE", False: "FALSE"}.get(value, "")
