"""Statements that every sign-in makes, without what the ORM costs at each of them.

Putting SQL together takes Django several times as long as the database takes to run it. A ``Lookup`` lets Django do it
once for each connection, with all it knows of the model and the database; ``inserting`` and ``updating`` name columns
that are ours. ``together`` gives several statements to PostgreSQL as one, for each costs a round trip.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import DataError, connections, models, transaction
from django.db.models.expressions import RawSQL


def columns_of(model: type[models.Model]) -> list[str]:
    """All that ``Model.from_db`` makes an instance of, by name."""
    return [each.attname for each in model._meta.concrete_fields]


class Lookup:
    """The columns of the row of a model that has a value in a field: ``table.first(alias, value)``.

    ``columns`` may lead over relations, as those of ``values_list``.
    """

    def __init__(self, rows: models.QuerySet[Any], name: str, columns: Sequence[str]) -> None:
        self._rows = rows
        self._name = name
        self._columns = columns

    def first(self, alias: str, value: Any, also: "Part | None" = None) -> tuple[Any, ...] | None:
        """``also`` is a change that goes by the row: its columns are those of ``found``. It needs ``may_combine``."""
        connection: Any = connections[alias]
        kept = vars(connection).setdefault(_KEPT, {})  # on the connection, with which it goes: it refers to it
        compiled = kept.get(self)
        if compiled is None:
            compiled = kept[self] = self._compile(alias)
        sql, params = compiled.sql, compiled.params_for(value)
        if also:
            names = ", ".join(f'"{name}"' for name in self._columns)
            sql = f"WITH found ({names}) AS ({sql}), also AS ({also.sql}) SELECT * FROM found"
            params = [*params, *also.params]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            row = cursor.fetchone()
        return compiled.converted(row) if row else None

    def _compile(self, alias: str) -> "_Compiled":
        target = self._rows.model._meta.get_field(self._name)
        wanted = RawSQL("%s", [_VALUE], output_field=target)
        rows = self._rows.using(alias).filter(**{self._name: wanted}).values_list(*self._columns)[:1]
        return _Compiled(rows.query.get_compiler(alias), target)


_KEPT = "_otp_app_lookups"
_VALUE: Any = object()  # stands in for what is looked for


class _Compiled:
    def __init__(self, compiler: Any, target: Any) -> None:
        self.sql, self._params = compiler.as_sql()
        self._compiler = compiler
        self._target = target
        self._converters = compiler.get_converters([select[0] for select in compiler.select])

    def params_for(self, value: Any) -> list[Any]:
        prepared = self._target.get_db_prep_value(value, self._compiler.connection)
        return [prepared if param is _VALUE else param for param in self._params]

    def converted(self, row: Sequence[Any]) -> tuple[Any, ...]:
        if not self._converters:
            return tuple(row)
        return tuple(next(iter(self._compiler.apply_converters([row], self._converters))))


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


def count_of(number: int, rows: int) -> str:
    """SQL: that of those that run ``together`` the part with this number (the first is 0) returned so many rows."""
    return f"(SELECT COUNT(*) FROM p{number}) = {rows}"


def may_combine(alias: str) -> bool:
    """Whether one statement can change several things: SQLite's cannot."""
    return connections[alias].vendor == "postgresql"


def together(alias: str, parts: Sequence[Part]) -> list[Rows]:
    """The rows of each that are to be told, in one statement on PostgreSQL; in any case they lock rows in this order.

    There all of them see the database as it was when the statement began, and values come as JSON has them.
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        if len(parts) > 1 and may_combine(alias):
            cursor.execute(_combined(parts), [param for part in parts for param in part.params])
            return [json.loads(rows) if rows else [] for rows in cursor.fetchone()]
        found = []
        for part in parts:
            cursor.execute(part.sql, part.params)
            found.append(cursor.fetchall())
    return found


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


def inserting(alias: str, model: type[models.Model], values: Mapping[str, Any], only: Condition = ALWAYS) -> Part:
    """A new row, ``only`` where that holds; fields that are not named have their defaults."""
    if only is not ALWAYS:
        return _inserting_only(model, values, only)
    (head, row), params = _inserted(alias, model, values)
    return Part(f"{head} VALUES {row} RETURNING 1", params)


def _inserting_only(model: type[models.Model], values: Mapping[str, Any], only: Condition) -> Part:
    """PostgreSQL takes the row as one parameter, which costs a fifth of what those of all columns do."""
    table = model._meta.db_table
    columns = [each for each in _columns(model) if each.attname in values or each.default != "NULL"]
    names = ", ".join(column.name for column in columns)
    into, row = (f"{table} ({names})", names) if model._meta.auto_field else (table, "*")
    sql = f"INSERT INTO {into} SELECT {row} FROM json_populate_record(NULL::{table}, %s) WHERE {only.sql} RETURNING 1"
    known = {**_blank(model), **values}
    document = {each.name: known[each.attname] if each.attname in known else each.value(values) for each in columns}
    return Part(sql, [json.dumps(document, default=str), *only.params])


@lru_cache(maxsize=32)
def _blank(model: type[models.Model]) -> dict[str, Any]:
    """The defaults that are the same for every row."""
    return {column.attname: column.value({}) for column in _columns(model) if column.default}


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

    def value(self, values: Mapping[str, Any]) -> Any:
        return values[self.attname] if self.attname in values else self.field.get_default()

    def prepared(self, values: Mapping[str, Any], connection: Any) -> Any:
        value = self.value(values)
        return value if isinstance(value, self.plain) else self.field.get_db_prep_save(value, connection)


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


def hexadecimal(value: Any) -> str:
    """A UUID as a raw cursor or JSON gives it, as the digits that our ids are."""
    return value.replace("-", "") if isinstance(value, str) else str(value.hex)


def loaded(value: Any) -> Any:
    """A JSON column: a raw cursor gives its text, ``together`` what is in it."""
    return json.loads(value) if isinstance(value, str) else value


def instance(model: Any, alias: str, columns: Sequence[Any]) -> Any:
    """Of the values of ``columns_of``."""
    return model.from_db(alias, columns_of(model), columns)


def run(alias: str, part: Part) -> Rows:
    return together(alias, [part])[0]
