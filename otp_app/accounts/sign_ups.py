"""Say which fields of the user model a sign-up by phone fills in, to create users and to check the model."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

_DISTINCT: Any = object()  # stands for a value that differs for each new user


@dataclass(frozen=True, slots=True)
class Gap:
    """Name fields for which a sign-up has no value, or, if ``repeated``, the same values for every user."""

    names: tuple[str, ...]
    repeated: bool


def field_values(model: Any, phone_field: str, phone: str, name: str) -> dict[str, Any]:
    """Return the fields to create a user with: the phone, and ``name`` if the model wants a user name beside it."""
    named = {field.name: name[: field.max_length] for field in _name_fields(model) if field.name != phone_field}
    return {**named, phone_field: phone}


def gaps(model: Any, phone_field: str, given: Collection[str] = ()) -> Iterator[Gap]:
    """Find the fields because of which no user, or no second one, could be created with ``field_values`` alone.

    ``given`` are the names of fields that people must fill in to sign up.
    """
    filled = {"password", *field_values(model, phone_field, "", ""), *given}  # the password is an unusable one
    unfilled = {each.name: _value_of(each) for each in model._meta.concrete_fields if each.name not in filled}
    for name, value in unfilled.items():
        if value is None and not model._meta.get_field(name).null:
            yield Gap((name,), repeated=False)
    for names, nulls_differ in _unique_together(model):
        if all(_repeats(unfilled.get(name, _DISTINCT), nulls_differ) for name in names):
            yield Gap(tuple(names), repeated=True)


def _name_fields(model: Any) -> list[Any]:
    """Return the text fields that hold a user name. An e-mail field is none: an invented address may be somebody's."""
    texts = [each for each in model._meta.concrete_fields if isinstance(each, models.CharField)]
    return [each for each in texts if not isinstance(each, models.EmailField) and _is_name(each, model.USERNAME_FIELD)]


def _is_name(field: Any, username_field: str) -> bool:
    """Tell whether a field is USERNAME_FIELD, or AbstractUser's ``username`` beside another USERNAME_FIELD."""
    required = field.unique and not field.null and not field.has_default()
    return bool(field.name == username_field or (field.name == "username" and required))


def _value_of(field: Any) -> Any:
    """Return the value of a field that a sign-up leaves out; ``_DISTINCT`` also if a function makes the value."""
    if field.has_default():
        return _DISTINCT if callable(field.default) else field.default
    if field.has_db_default():
        return _DISTINCT if hasattr(field.db_default, "resolve_expression") else field.db_default
    return _DISTINCT if _is_made(field) else field.get_default()


def _is_made(field: Any) -> bool:
    """Tell whether the value is made by the database, by the field when it is saved, or by a parent model's row."""
    parent = field.remote_field and field.remote_field.parent_link
    stamped = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    own = not type(field).pre_save.__module__.startswith("django.")
    return bool(isinstance(field, models.AutoField) or field.generated or parent or stamped or own)


def _unique_together(model: Any) -> Iterator[tuple[Sequence[str], bool]]:
    """Yield names of fields that are unique together, and whether NULLs differ. Leave out conditional constraints."""
    for meta in (each._meta for each in (model, *model._meta.all_parents)):
        yield from (((each.name,), True) for each in meta.local_concrete_fields if each.unique)
        yield from ((names, True) for names in meta.unique_together)
        for each in meta.constraints:
            if isinstance(each, models.UniqueConstraint) and each.condition is None:
                yield each.fields or _fields_in(each.expressions), each.nulls_distinct is not False


def _fields_in(expressions: Any) -> list[str]:
    flat: list[Any] = [
        part for each in expressions for part in (each.flatten() if hasattr(each, "flatten") else [each])
    ]
    return [part.name for part in flat if isinstance(part, models.F)]  # type: ignore[attr-defined]


def _repeats(value: Any, nulls_differ: bool) -> bool:
    return value is not _DISTINCT and not (value is None and nulls_differ)
