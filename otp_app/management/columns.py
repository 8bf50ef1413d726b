"""Find the column in which a project keeps phones, and read its rows in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import Q

from .. import accounts

_BATCH_ROWS = 1000  # read by one query


@dataclass(frozen=True, slots=True)
class Column:
    """Hold the model and the field that phones are in; ``path`` leads there from ``owner``, who should have one."""

    model: Any
    field: Any
    owner: Any
    path: str

    @property
    def name(self) -> str:
        return str(self.field.name)

    @property
    def database(self) -> str:
        return router.db_for_write(self.model)

    def rows(self) -> Any:
        """Select all rows, those that a manager would hide as well, where they are written."""
        return self.model._base_manager.using(self.database)

    def phones(self) -> Iterator[list[tuple[Any, Any]]]:
        """Yield (primary key, phone) of all rows that are not NULL, in batches by key."""
        return _batches(self.rows().exclude(**{self.name: None}), self.name)

    def owners_without(self) -> Iterator[Any]:
        """Yield the keys of those who have no phone."""
        empty = Q(**{f"{self.path}__isnull": True})
        if self.field.empty_strings_allowed:
            empty |= Q(**{self.path: ""})
        rows = self.owner._base_manager.using(router.db_for_write(self.owner)).filter(empty)
        return (pk for batch in _batches(rows) for (pk,) in batch)


def column_named(text: str) -> Column:
    """Return the column of a path from the user model (``profile__phone``) or of ``app.Model.field``.

    "" stands for the user model's own phone. Raise ValueError that says what is wrong.
    """
    path = text or accounts.phone_field()
    try:
        owner: Any = get_user_model()
        if "." in path:
            label, model_name, path = path.split(".")
            owner = apps.get_model(label, model_name)
        model, (*relations, name) = owner, path.split("__")
        for relation in relations:
            model = model._meta.get_field(relation).related_model
        field = model._meta.get_field(name)
    except (LookupError, ValueError, AttributeError, FieldDoesNotExist):
        field = None
    if field is None or field.is_relation:
        raise ValueError("give a path from the user model, as profile__phone, or app.Model.field.")
    return Column(model, field, owner, path)


def _batches(rows: Any, *names: str) -> Iterator[list[Any]]:
    rows = rows.order_by("pk").values_list("pk", *names)
    batch = list(rows[:_BATCH_ROWS])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:_BATCH_ROWS])
