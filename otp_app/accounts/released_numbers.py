"""Take the number from a dormant account for whoever has the number now, and give it back if staff says so.

The account keeps all its data. What is kept beside it is which number it had, for as long as the account lives.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest

from .. import stores
from ..db import writes
from ..errors import PhoneTaken
from ..keys import phone_key
from ..models import ReleasedNumber
from . import events, newcomers, second_phones
from .accounts import current
from .adapter import REFUSALS, database, last_login, lock, record_sign_in


def start_anew(user: Any, phone: str, request: HttpRequest | None, profile: Mapping[str, Any]) -> Any:
    """Take the number from a dormant user and return a new user of it: both happen, or neither.

    Raise PhoneTaken if the user has just been there, or the number cannot be taken; InvalidOrExpiredCode for whom
    ``may_sign_up`` refuses; UserNotCreated.
    """
    alias, at = database(), stores.current().now()
    with transaction.atomic(using=alias):
        writes.take_turn(alias, phone_key(phone), get_user_model())
        taken = _release(alias, user, phone, at)
        new, is_new = newcomers.sign_up(phone, request, profile) if taken else (None, False)
        if not is_new:
            raise PhoneTaken
    events.record(user, events.Kind.NUMBER_RELEASED, request)
    return new


def of(phone: str) -> list[ReleasedNumber]:
    """Return which accounts have lost a number, the last one first."""
    rows = ReleasedNumber.objects.using(database()).select_related("user")
    return list(rows.filter(phone=phone).order_by("-at", "-pk"))


def give_back(row: ReleasedNumber) -> bool:
    """Give a number back to the user who lost it, and take it from who has it now; return False if that cannot be.

    The user counts as used now, so the next code opens the account.
    """
    alias, user, at = database(), row.user, stores.current().now()
    with transaction.atomic(using=alias):
        writes.take_turn(alias, phone_key(row.phone), get_user_model())
        holder = current().find(row.phone, None)
        free = holder is None or _release(alias, holder, row.phone, at)
        done = free and _renumber(alias, user, "", row.phone)
        if done:
            record_sign_in(user)
            row.delete(using=alias)
        else:
            transaction.set_rollback(True, using=alias)
    if done:
        events.record(user, events.Kind.NUMBER_GIVEN_BACK)
    return done


def _release(alias: str, user: Any, phone: str, at: int) -> bool:
    if not _renumber(alias, user, phone, ""):
        return False
    ReleasedNumber.objects.using(alias).create(user=user, phone=phone, at=at)
    return True


def _renumber(alias: str, user: Any, old: str, new: str) -> bool:
    """Change the number of a user by the class in force, which is told of it after the commit.

    Return False if the user has another number, or has signed in, since the user was read, or if the class does not
    write the number.
    """
    row = lock(user)
    if row is None or (current().phone_of(row), last_login(row)) != (old, last_login(user)):
        return False
    try:
        with transaction.atomic(using=alias):
            current().set_phone(row, new)
    except REFUSALS:
        return False
    if current().phone_of(row) != new:
        return False
    if new:
        second_phones.end(new)
    transaction.on_commit(partial(current().changed, row, old, new), using=alias, robust=True)
    return True
