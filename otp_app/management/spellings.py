"""Phones of users in another spelling than E.164: by those nobody is found, and who signs in gets a second account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Value

from .. import accounts, phones
from ..errors import InvalidPhone

_BATCH = 1000  # users that are read at once


@dataclass(frozen=True, slots=True)
class Spelling:
    """``phone`` is its E.164 form, empty when it cannot be read."""

    pk: Any
    stored: Any
    phone: str


def stored() -> Iterator[tuple[Any, Any]]:
    """Read all users who have a phone, by primary key, as (key, phone), one batch at a time."""
    rows = _users().exclude(**{accounts.phone_field(): None}).order_by("pk").values_list("pk", accounts.phone_field())
    batch = list(rows[:_BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:_BATCH])


def others(users: Iterable[tuple[Any, Any]], region: str) -> Iterator[Spelling]:
    """Find those that are not in E.164 form. What has no country code is read as people of ``region`` write it."""
    field: Any = get_user_model()._meta.get_field(accounts.phone_field())
    for pk, value in users:
        phone = _read(str(value), region)
        if value and field.to_python(phone) != value:
            yield Spelling(pk, value, phone)


def holder(phone: str) -> Any | None:
    """Return the key of the user who has this phone in E.164 form."""
    return _users().filter(**{accounts.phone_field(): phone}).values_list("pk", flat=True).first()


def correct(spelling: Spelling) -> bool:
    """Write the E.164 form; False when the stored one is no longer there, or another user has the number by now."""
    name = accounts.phone_field()
    try:
        with transaction.atomic(using=accounts.database()):
            same = Value(spelling.stored)  # as it is: a field that brings it into E.164 form would find nothing
            return bool(_users().filter(pk=spelling.pk, **{name: same}).update(**{name: spelling.phone}))
    except IntegrityError:
        return False


def _users() -> Any:
    return get_user_model()._base_manager.using(accounts.database())


def _read(text: str, region: str) -> str:
    try:
        return phones.parse(text.strip(), gate=False, region=region)
    except InvalidPhone:
        return ""
