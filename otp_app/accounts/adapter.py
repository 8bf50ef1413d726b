"""The user of a phone."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DataError, IntegrityError, connections, models, router, transaction
from django.utils import timezone

from .. import phones
from ..challenges import random_id
from ..conf import conf
from ..db import lookups, writes
from ..db.lookups import Lookup
from ..db.writes import Part
from ..errors import UserNotCreated
from ..keys import phone_key
from . import sign_ups

logger = logging.getLogger("otp_app.accounts")
_REFUSALS = (IntegrityError, DataError, ValidationError)  # the last by models that clean themselves when they are saved


def phone_field() -> str:
    """The field of the user model that holds the phone: OTP_USER_PHONE_FIELD, else ``phone``, else the user name."""
    if conf.USER_PHONE_FIELD:
        return conf.USER_PHONE_FIELD
    model = get_user_model()
    try:
        model._meta.get_field("phone")
    except FieldDoesNotExist:
        return model.USERNAME_FIELD
    return "phone"


def phone_of(user: Any) -> str:
    """The phone of a user as text, whatever the field makes of it; empty when there is none."""
    return str(getattr(user, phone_field()) or "")


def database() -> str:
    """The alias of the database that users are written to."""
    return router.db_for_write(get_user_model())


def found(phone: str, row_model: type[models.Model], row: Mapping[str, Any]) -> Any | None:
    """Find the user of a verified phone, and sign an active one in by a row with that ``user``, in one statement.

    None for nobody, and where one statement cannot do it: then nothing was asked of the database.
    """
    model, alias, now = get_user_model(), database(), timezone.now()
    if not _may_sign_in_found(model, alias, row_model):
        return None
    signing_in = writes.inserting_found(alias, row_model, row)
    user = _find(model, alias, phone, [signing_in, *_recording(model, alias, now)])
    if user and user.is_active and _keeps_last_login(model):
        user.last_login = now
    return user


def record_sign_in(user: Any) -> None:
    """Write down that a user who was found without a token has signed in now, past what the model's ``save`` does."""
    model: Any = type(user)
    if _keeps_last_login(model):
        user.last_login = timezone.now()
        model._base_manager.using(database()).filter(pk=user.pk).update(last_login=user.last_login)


def last_login(user: Any) -> datetime | None:
    """Return when a user signed in last; None too where the model does not keep it."""
    when: datetime | None = getattr(user, "last_login", None)
    return when


def user_for(phone: str) -> tuple[Any, bool]:
    """The user of a verified phone and whether this call created it. Two calls at once give one user.

    Asked of the database that is written to, past any manager that hides users: a replica that lags, or a filter on the
    active ones, would have us create a user that exists. Raises UserNotCreated where the model refuses the new user.
    """
    model, alias = get_user_model(), database()
    if user := _find(model, alias, phone):
        return user, False
    with transaction.atomic(using=alias):
        if user := _created_meanwhile(model, alias, phone):
            return user, False
        for name in (phone, f"user-{random_id()}"):  # somebody may have chosen the phone as a user name
            try:
                return _create(phone, name, alias), True
            except _REFUSALS as error:
                if user := _find(model, alias, phone):
                    return user, False
                why = _without(phone, error)
    logger.error("no user could be created: %s", why)
    raise UserNotCreated(why)  # without its cause, whose details show the phone


def _created_meanwhile(model: Any, alias: str, phone: str) -> Any | None:
    """Wait for another first sign-in of that phone, and return its user.

    On PostgreSQL only, which would log the error of the second with the phone. On SQLite it is refused, and found then.
    """
    if not writes.may_combine(alias):
        return None
    writes.take_turn(alias, phone_key(phone))
    return _find(model, alias, phone)


def _without(phone: str, error: Exception) -> str:
    """Return the first line of an error, the phone masked: it names the field, the others the values of the row."""
    first, _, _ = str(error).partition("\n")
    return f"{type(error).__name__}: {first.replace(phone[1:], phones.mask(phone)[1:])}"


def _find(model: Any, alias: str, phone: str, also: Sequence[Part] = ()) -> Any | None:
    row = _by_phone(model, phone_field()).first(alias, phone, also)
    return lookups.instance(model, alias, row) if row else None


@lru_cache(maxsize=8)
def _keeps_last_login(model: Any) -> bool:
    return any(each.name == "last_login" for each in model._meta.concrete_fields)


def _may_sign_in_found(model: Any, alias: str, row_model: type[models.Model]) -> bool:
    """Tell whether the row is in the users' database, which combines statements and itself knows who is active."""
    return alias == router.db_for_write(row_model) and writes.may_combine(alias) and _knows_who_is_active(model)


@lru_cache(maxsize=8)
def _knows_who_is_active(model: Any) -> bool:
    return any(
        each.attname == "is_active" and isinstance(each, models.BooleanField) for each in model._meta.concrete_fields
    )


def _recording(model: Any, alias: str, now: datetime) -> list[Part]:
    """Write the statement that sets ``last_login`` of who was ``found``, in the table that has it: maybe a parent's."""
    if not _keeps_last_login(model):
        return []
    field = model._meta.get_field("last_login")
    owner, connection = field.model._meta, connections[alias]
    table, column, key = map(connection.ops.quote_name, (owner.db_table, field.column, owner.pk.column))
    where = f'{table}.{key} = found."{owner.pk.attname}" AND found.is_active'
    value = field.get_db_prep_save(now, connection)
    return [Part(f"UPDATE {table} SET {column} = %s FROM found WHERE {where}", [value])]


@lru_cache(maxsize=8)
def _by_phone(model: Any, field: str) -> Lookup:
    return Lookup(model._base_manager.all(), field, lookups.columns_of(model))


def _create(phone: str, name: str, alias: str) -> Any:
    model = get_user_model()
    user = model(**sign_ups.values(model, phone_field(), phone, name))
    user.set_unusable_password()
    with transaction.atomic(using=alias):
        user.save(force_insert=True, using=alias)
    return user
