"""Define columns that Django has for PostgreSQL only."""

import json
from typing import Any

from django.db import models


class IntegersField(models.Field):  # type: ignore[type-arg]  # not generic at run time
    """Hold whole numbers, of 64 bits if they are ``big``, else of 32: as an array on PostgreSQL, as JSON on SQLite."""

    def __init__(self, *args: Any, big: bool = False, **kwargs: Any) -> None:
        self.big = big
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | ({"big": True} if self.big else {})

    def db_type(self, connection: Any) -> str:
        return ("bigint[]" if self.big else "integer[]") if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> list[int]:
        numbers: list[int] = json.loads(value) if isinstance(value, str) else value
        return numbers

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if connection.vendor == "postgresql" else json.dumps(value)
