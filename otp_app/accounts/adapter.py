"""Find, create and sign in the user of a phone, whatever user model the project has: the defaults of Accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DataError, IntegrityError, connections, models, router, transaction
from django.http import HttpRequest

from ..challenges import random_id
from ..conf import conf
from ..db import clock, lookups, writes
from ..db.lookups import Lookup
from ..db.writes import Part
from ..models import SecurityEvent
from ..phones import languages
from ..users import AbstractPhoneUser, is_lost, lost_phone
from . import sign_ups

# What a model raises that refuses a row; ValidationError, if its ``save`` calls ``full_clean``.
OWN_MEMBERS = ("full_name", "language")  # of our own user model, for its owner to change
REFUSALS = (IntegrityError, DataError, ValidationError)
_USE_STEP = timedelta(days=1)


def phone_field() -> str:
    """Return the name of the user model's phone field: OTP_USER_PHONE_FIELD, else ``phone``, else the user name's."""
    if conf.USER_PHONE_FIELD:
        return conf.USER_PHONE_FIELD
    model = get_user_model()
    try:
        model._meta.get_field("phone")
    except FieldDoesNotExist:
        return model.USERNAME_FIELD
    return "phone"


def phone_of(user: Any) -> str:
    """Return the phone of a user as text, whatever type its field has; empty when there is none."""
    text = str(getattr(user, phone_field()) or "")
    return "" if is_lost(text) else text


def database() -> str:
    """Return the alias of the database that users are written to."""
    return router.db_for_write(get_user_model())


def find_and_sign_in(
    phone: str,
    row_model: type[models.Model],
    row: Mapping[str, Any],
    event: Mapping[str, Any] | None = None,
    idle_before: datetime | None = None,
) -> Any | None:
    """Find the user of a verified phone and, if active, insert the row with that ``user``, all in one statement.

    ``event`` are the fields of an event of the user, which is inserted with the row. A user who was last there before
    ``idle_before`` is found, but nothing is written. Return None if there is no such user, or, without a query, if this
    database or model needs several statements.
    """
    model, now = get_user_model(), clock.instant()
    alias = router.db_for_write(model)
    if not _can_sign_in_at_once(model, alias, row_model):
        return None
    may = _may_sign_in(model, alias, idle_before)
    insertions = [writes.inserting_found(alias, row_model, row, may)]
    if event:
        insertions.append(writes.inserting_found(alias, SecurityEvent, event, may))
    user = _find(model, alias, phone, [*insertions, *_last_login_update(model, alias, now, may)])
    if user and user.is_active and _has_last_login(model) and not is_idle(user, idle_before):
        user.last_login = now
    return user


def record_sign_in(user: Any) -> None:
    """Set ``last_login`` of a user to now, without the model's ``save``, which may do more."""
    model: Any = user.__class__  # also of a user that stands behind a lazy object
    if _has_last_login(model):
        user.last_login = clock.instant()
        model._base_manager.using(database()).filter(pk=user.pk).update(last_login=user.last_login)


def last_login(user: Any) -> datetime | None:
    """Return when a user signed in last; None if never, or if the model does not keep it."""
    when: datetime | None = getattr(user, "last_login", None)
    return when


def lock(user: Any) -> Any | None:
    """Return the row of a user, locked until the transaction ends; None if there is none any more."""
    return get_user_model()._base_manager.using(database()).select_for_update().filter(pk=user.pk).first()


def update(user: Any, members: Mapping[str, Any]) -> None:
    """Set the fields of these names."""
    for name, value in members.items():
        setattr(user, name, value)
    user.save(using=database(), update_fields=list(members))


def own_members(user: Any) -> dict[str, Any]:
    """Return what a user of ours has beside the phone; empty for a model of another kind."""
    ours = isinstance(user, AbstractPhoneUser)
    return {name: getattr(user, name) for name in OWN_MEMBERS} if ours else {}


def language_of(user: Any, request: HttpRequest | None, phone: str) -> str:
    """Return the language in which a user is told of what has happened: the one that the user has chosen.

    Else it is that of the request, which somebody else may have made, or of the phone's country.
    """
    chosen: str = own_members(user).get("language", "")
    return chosen if chosen in languages.LANGUAGES else languages.language_of(request or HttpRequest(), phone)


def erase(user: Any) -> None:
    """Delete the user, with all rows that go with it."""
    user.delete(using=database())


def record_use(user: Any) -> None:
    """Move ``last_login`` of a user on to now, if it is a day old: a token may be used for much longer than that.

    Tokens are deleted when they end, and what tells how long an account was idle must not go with them.
    """
    before = last_login(user)
    if before is not None and clock.instant() - before >= _USE_STEP:
        record_sign_in(user)


def is_idle(user: Any, idle_before: datetime | None) -> bool:
    """Return whether a user was last there before an instant; not if the user was never, or that is not known."""
    used = last_login(user)
    return used is not None and idle_before is not None and used <= idle_before


def find(phone: str) -> Any | None:
    """Return the user of a phone, or None.

    Read from the database that is written to, and past managers that hide users: a replica that lags, or a filter on
    active users, would make us create a user who exists.
    """
    return _find(get_user_model(), database(), phone)


def create(phone: str, profile: Mapping[str, Any]) -> Any:
    """Create a user with the phone, and with the members of the sign-up in the fields of their names."""
    alias = database()
    try:
        return _create(phone, phone, profile, alias)
    except REFUSALS:  # another user may have chosen the phone as user name
        return _create(phone, f"user-{random_id()}", profile, alias)


def set_phone(user: Any, phone: str) -> None:
    """Write the phone of a user, "" for none, and the user name where that was the old phone, unless somebody has that.

    Where the field must hold something, a text takes the phone's place that nobody can sign in with.
    """
    old, field = phone_of(user), phone_field()
    held = phone or (None if get_user_model()._meta.get_field(field).null else lost_phone())
    others = {*sign_ups.field_values(type(user), field, phone, phone)} - {field} if phone else set()
    names = [name for name in others if getattr(user, name) == old]
    try:
        _write(user, {field: held, **dict.fromkeys(names, phone)})
    except REFUSALS:
        if not names:
            raise
        _write(user, {field: held, **dict.fromkeys(names, old)})


def _write(user: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(user, name, value)
    with transaction.atomic(using=database()):
        user.save(using=database(), update_fields=[*values])


def _find(model: Any, alias: str, phone: str, also: Sequence[Part] = ()) -> Any | None:
    row = _by_phone(model, phone_field()).first(alias, phone, also)
    return lookups.instance(model, alias, row) if row else None


@lru_cache(maxsize=8)
def _has_last_login(model: Any) -> bool:
    return any(each.name == "last_login" for each in model._meta.concrete_fields)


def _can_sign_in_at_once(model: Any, alias: str, row_model: type[models.Model]) -> bool:
    """Tell whether all rows share a database that combines statements, and users have an ``is_active`` column."""
    together = all(router.db_for_write(each) == alias for each in (row_model, SecurityEvent))
    return together and writes.may_combine(alias) and _has_is_active(model)


@lru_cache(maxsize=8)
def _has_is_active(model: Any) -> bool:
    return any(
        each.attname == "is_active" and isinstance(each, models.BooleanField) for each in model._meta.concrete_fields
    )


def _may_sign_in(model: Any, alias: str, idle_before: datetime | None) -> Part:
    """Return the condition under which the user in ``found`` signs in."""
    if idle_before is None or not _has_last_login(model):
        return Part("found.is_active", [])
    value = writes.prepared(model._meta.get_field("last_login"), idle_before, connections[alias])
    return Part("found.is_active AND (found.last_login IS NULL OR found.last_login > %s)", [value])


def _last_login_update(model: Any, alias: str, now: datetime, may: Part) -> list[Part]:
    """Return the statement that sets ``last_login`` of the user in ``found``; the column may be in a parent's table."""
    if not _has_last_login(model):
        return []
    field = model._meta.get_field("last_login")
    owner, connection = field.model._meta, connections[alias]
    table, column, key = map(connection.ops.quote_name, (owner.db_table, field.column, owner.pk.column))
    where = f'{table}.{key} = found."{owner.pk.attname}" AND {may.sql}'
    value = writes.prepared(field, now, connection)
    return [Part(f"UPDATE {table} SET {column} = %s FROM found WHERE {where}", [value, *may.params])]


@lru_cache(maxsize=8)
def _by_phone(model: Any, field: str) -> Lookup:
    return Lookup(model._base_manager.all(), field, lookups.columns_of(model))


def _create(phone: str, name: str, profile: Mapping[str, Any], alias: str) -> Any:
    model, named = get_user_model(), phone_field()
    user = model(**{**sign_ups.field_values(model, named, phone, name), **profile, named: phone})
    user.set_unusable_password()
    with transaction.atomic(using=alias):
        user.save(force_insert=True, using=alias)
    return user
