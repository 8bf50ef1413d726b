"""Validate the members of a sign-up by the serializer that the class of OTP_ACCOUNTS names.

Only names of the serializer's interface are used, so this room needs no Django REST framework.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from ..db.turns import turn
from ..errors import InvalidRequest, ProfileRequired
from .accounts import current, is_default
from .adapter import REFUSALS, database, lock, phone_field
from .newcomers import may_sign_up

# Beside the phone and the key: who may do what is not the person's to say.
_NEVER = {
    *("password", "last_login", "date_joined"),
    *("is_active", "is_staff", "is_superuser", "groups", "user_permissions"),
}
MEMBER = "profile"  # of a request, and what the members of a sign-up are called by in errors


def serializer_class() -> Any | None:
    """Return the class of the serializer, or None if a sign-up takes no members. Raise ImportError."""
    named = current().sign_up_serializer
    return import_string(named) if isinstance(named, str) else named


def names(*, required: bool = False) -> list[str]:
    """Return the names of the members that a sign-up takes, or only of those that it must have."""
    make = serializer_class()
    fields = make().fields.items() if make else ()
    return [name for name, field in fields if not field.read_only and (field.required or not required)]


def validated(given: Mapping[str, Any] | None, request: HttpRequest | None) -> dict[str, Any] | None:
    """Return the validated members, or None if none were given. Raise InvalidRequest with errors under ``profile``."""
    if given is None:
        return None
    if not (make := serializer_class()):
        raise InvalidRequest({MEMBER: [_("This field is unknown.")]})
    serializer = make(data=given, context={"request": request})
    if not serializer.is_valid():
        raise InvalidRequest(_errors_of(serializer))
    return dict(serializer.validated_data)


def changeable(make: Any) -> list[str]:
    """Return which members of a serializer a person may change later: neither the phone nor what gives rights.

    Where the default ``update`` is in force, only fields of the user model.
    """
    model, own = get_user_model(), is_default("update")
    known = {each.name for each in model._meta.concrete_fields}
    named = [name for name, field in make().fields.items() if not field.read_only and (name in known or not own)]
    return [name for name in named if name not in {*_NEVER, model._meta.pk.name, phone_field()}]


def changes(make: Any, given: Mapping[str, Any], user: Any, request: HttpRequest | None) -> dict[str, Any]:
    """Return the validated members that a person changes. Raise InvalidRequest."""
    known = changeable(make) if make else []
    if unknown := sorted(set(given) - set(known)):
        raise InvalidRequest({name: [_("This field is unknown.")] for name in unknown})
    if not given:
        return {}
    serializer = make(instance=user, data=given, partial=True, context={"request": request})
    if not serializer.is_valid():
        raise InvalidRequest({name: _texts(errors) for name, errors in serializer.errors.items()})
    return dict(serializer.validated_data)


def change(user: Any, members: Mapping[str, Any]) -> Any | None:
    """Have the class in force write members of a user; return the user as it is then, None if it was erased meanwhile.

    Raise InvalidRequest if the database or the model refuses a value, as one that somebody else has.
    """
    with turn(database()), transaction.atomic(using=database()):
        row = lock(user)
        if row and members:
            try:
                with transaction.atomic(using=database()):
                    current().update(row, members)
            except REFUSALS as error:
                impossible = {name: [_("This value is not possible.")] for name in members}
                raise InvalidRequest(getattr(error, "message_dict", impossible)) from None
    return row


def require(phone: str, profile: Mapping[str, Any] | None, request: HttpRequest | None, *, anew: bool = False) -> None:
    """Raise ProfileRequired if the person of a verified phone would be new, and members that are required are missing.

    With ``anew`` the person wants a new account whoever has the number. Whoever may not sign up is not asked.
    """
    if profile is not None or not (make := serializer_class()):
        return
    serializer = make(data={}, context={"request": request})
    missing = not serializer.is_valid()
    if missing and (anew or not current().find(phone, request)) and may_sign_up(phone, request):
        raise ProfileRequired(_errors_of(serializer))


def _texts(errors: Any) -> list[str]:
    return [text for _path, text in _walk("", errors)]


def _errors_of(serializer: Any) -> dict[str, list[str]]:
    """Return the texts of a serializer's errors by the path of the member, such as ``profile.name``."""
    texts: dict[str, list[str]] = {}
    for path, text in _walk(MEMBER, serializer.errors):
        texts.setdefault(path, []).append(text)
    return texts


def _walk(path: str, errors: Any) -> Iterator[tuple[str, str]]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            yield from _walk(f"{path}.{name}", inner)
    elif isinstance(errors, list):
        for inner in errors:
            yield from _walk(path, inner)
    else:
        yield path, str(errors)
