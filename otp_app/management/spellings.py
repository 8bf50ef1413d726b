"""Find and correct users' phones that are not in E.164 form: signing in by one creates a second account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Value

from .. import accounts, phones
from ..errors import InvalidPhone

_BATCH_USERS = 1000  # read by one query


@dataclass(frozen=True, slots=True)
class Spelling:
    """Hold a stored phone that is not in E.164 form; ``phone`` is that form, empty if it cannot be read."""

    pk: Any
    stored: Any
    phone: str


def stored_phones() -> Iterator[tuple[Any, Any]]:
    """Yield (primary key, phone) of all users who have a phone, in batches, ordered by key."""
    rows = _users().exclude(**{accounts.phone_field(): None}).order_by("pk").values_list("pk", accounts.phone_field())
    batch = list(rows[:_BATCH_USERS])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:_BATCH_USERS])


def not_in_e164(users: Iterable[tuple[Any, Any]], region: str) -> Iterator[Spelling]:
    """Yield the phones that are not in E.164 form. A phone without country code is read as a number of ``region``."""
    field: Any = get_user_model()._meta.get_field(accounts.phone_field())
    for pk, value in users:
        phone = _parse(str(value), region)
        if value and field.to_python(phone) != value:
            yield Spelling(pk, value, phone)


def user_with(phone: str) -> Any | None:
    """Return the key of the user who has this phone in E.164 form; None if nobody has."""
    return _users().filter(**{accounts.phone_field(): phone}).values_list("pk", flat=True).first()


def correct(spelling: Spelling) -> bool:
    """Write the E.164 form. Return False if the stored phone has changed, or another user has the number by now."""
    name = accounts.phone_field()
    try:
        with transaction.atomic(using=accounts.database()):
            # As a Value, because a field that normalises what it compares with would find nothing.
            same = Value(spelling.stored)
            return bool(_users().filter(pk=spelling.pk, **{name: same}).update(**{name: spelling.phone}))
    except IntegrityError:
        return False


def _users() -> Any:
    return get_user_model()._base_manager.using(accounts.database())


def _parse(text: str, region: str) -> str:
    try:
        return phones.parse(text.strip(), gate=False, region=region)
    except InvalidPhone:
        return ""
