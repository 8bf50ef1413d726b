"""What a sign-up by phone fills in of the user model, for who creates the user and for who checks the model alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

_OWN: Any = object()  # stands for a value that each new user gets for itself


@dataclass(frozen=True, slots=True)
class Gap:
    """Fields for which a user made by phone has no value, or, ``repeated``, together the same ones as every other."""

    names: tuple[str, ...]
    repeated: bool


def values(model: Any, phone_field: str, phone: str, name: str) -> dict[str, Any]:
    """Give the fields to create a user with: the phone, and ``name`` where the model wants a user name beside it."""
    named = {field.name: name[: field.max_length] for field in _names(model) if field.name != phone_field}
    return {**named, phone_field: phone}


def gaps(model: Any, phone_field: str) -> Iterator[Gap]:
    """Find the fields because of which no user, or no second one, could be created with ``values`` alone."""
    filled = {"password", *values(model, phone_field, "", "")}  # the password is one that nobody knows
    left = {each.name: _left(each) for each in model._meta.concrete_fields if each.name not in filled}
    for name, value in left.items():
        if value is None and not model._meta.get_field(name).null:
            yield Gap((name,), repeated=False)
    for names, nulls_differ in _unique(model):
        if all(_repeats(left.get(name, _OWN), nulls_differ) for name in names):
            yield Gap(tuple(names), repeated=True)


def _names(model: Any) -> list[Any]:
    """Find the texts that people are named by. An e-mail address is none: an invented one would be somebody's."""
    texts = [each for each in model._meta.concrete_fields if isinstance(each, models.CharField)]
    return [each for each in texts if not isinstance(each, models.EmailField) and _is_name(each, model.USERNAME_FIELD)]


def _is_name(field: Any, username_field: str) -> bool:
    """Tell whether it is the field of the model's user names, or what AbstractUser has left beside that field."""
    required = field.unique and not field.null and not field.has_default()
    return bool(field.name == username_field or (field.name == "username" and required))


def _left(field: Any) -> Any:
    """Return the value of a field that a sign-up leaves out; ``_OWN`` too where only a program could tell."""
    if field.has_default():
        return _OWN if callable(field.default) else field.default
    if field.has_db_default():
        return _OWN if hasattr(field.db_default, "resolve_expression") else field.db_default
    return _OWN if _is_made(field) else field.get_default()


def _is_made(field: Any) -> bool:
    """Tell whether the database makes the value, or the field when it is saved, or the row of a parent model."""
    parent = field.remote_field and field.remote_field.parent_link
    stamped = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    own = not type(field).pre_save.__module__.startswith("django.")
    return bool(isinstance(field, models.AutoField) or field.generated or parent or stamped or own)


def _unique(model: Any) -> Iterator[tuple[Sequence[str], bool]]:
    """Names of fields that must differ together, and whether two NULLs do; without what holds for some rows only."""
    for meta in (each._meta for each in (model, *model._meta.all_parents)):
        yield from (((each.name,), True) for each in meta.local_concrete_fields if each.unique)
        yield from ((names, True) for names in meta.unique_together)
        for each in meta.constraints:
            if isinstance(each, models.UniqueConstraint) and each.condition is None:
                yield each.fields or _mentioned(each.expressions), each.nulls_distinct is not False


def _mentioned(expressions: Any) -> list[str]:
    flat: list[Any] = [
        part for each in expressions for part in (each.flatten() if hasattr(each, "flatten") else [each])
    ]
    return [part.name for part in flat if isinstance(part, models.F)]  # type: ignore[attr-defined]  # the stubs' own


def _repeats(value: Any, nulls_differ: bool) -> bool:
    return value is not _OWN and not (value is None and nulls_differ)
