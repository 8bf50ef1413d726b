"""Build the SQL of look-ups that every sign-in makes only once.

Building SQL takes Django several times as long as the database takes to run it. A ``Lookup`` lets Django do it
once for each connection, with all it knows of the model and the database.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connections, models
from django.db.models.expressions import RawSQL

from .writes import Part


def columns_of(model: type[models.Model]) -> list[str]:
    """Return the names of the columns that ``Model.from_db`` needs for an instance."""
    return [each.attname for each in model._meta.concrete_fields]


def instance(model: Any, alias: str, columns: Sequence[Any]) -> Any:
    """Return an instance of the model made of the values of ``columns_of``."""
    return model.from_db(alias, columns_of(model), columns)


class Lookup:
    """Find the row that has a value in a field, and return its columns: ``lookup.first(alias, value)``.

    ``columns`` may lead over relations, as those of ``values_list``.
    """

    def __init__(self, rows: models.QuerySet[Any], name: str, columns: Sequence[str]) -> None:
        self._rows = rows
        self._name = name
        self._columns = columns
        self._names = ", ".join(f'"{name}"' for name in columns)

    def first(self, alias: str, value: Any, also: Sequence[Part] = ()) -> tuple[Any, ...] | None:
        """Return the row or None. Changes in ``also`` refer to the row as ``found``, and need ``may_combine``."""
        connection: Any = connections[alias]
        kept = vars(connection).setdefault(_KEPT, {})  # on the connection, with which it goes: it refers to it
        compiled = kept.get(self)
        if compiled is None:
            compiled = kept[self] = self._compile(alias)
        sql, params = compiled.sql, compiled.params_for(value)
        if also:
            changes = ", ".join([f"also{number} AS ({part.sql})" for number, part in enumerate(also)])
            sql = f"WITH found ({self._names}) AS ({sql}), {changes} SELECT * FROM found"
            for part in also:
                params += part.params
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
