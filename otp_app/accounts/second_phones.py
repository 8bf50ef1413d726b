"""Keep the second number of a user: a way to confirm and to get back, and no name to sign in by.

A number is nobody's second any more as soon as it is somebody's first: who signs up with it has proven it later.
"""

from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from .. import stores
from ..models import SecondPhone
from . import confirmations, events
from .adapter import database, lock
from .events import Kind
from .number_changes import period_of, seconds_left


def of(user: Any) -> str:
    """Return the second number of a user, E.164; empty if there is none."""
    return _rows().filter(user_id=user.pk).values_list("phone", flat=True).first() or ""


def seconds_new(user: Any, purpose: str) -> int:
    """Return for how many seconds the second number of a user is too new to confirm a purpose; 0 if it is not."""
    return seconds_left(_rows().filter(user_id=user.pk).values_list("verified_at", flat=True), period_of(purpose))


def keep(user: Any, phone: str, challenge_id: str, request: HttpRequest | None) -> str:
    """Keep a proven number in place of the one before, and return that, or "", in a transaction that holds the user.

    What the one before has confirmed, or was asked to, ends.
    """
    before = of(user)
    _rows().filter(user_id=user.pk).delete()
    confirmations.end_all(user, by=confirmations.SECOND_PHONE)
    at = stores.current().now()
    _rows().create(challenge=UUID(challenge_id), user_id=user.pk, phone=phone, verified_at=at)
    events.record(user, Kind.SECOND_PHONE_ADDED, request)
    return before


def remove(user: Any, request: HttpRequest | None = None, **which: Any) -> bool:
    """Remove the second number of a user, if it has the fields ``which``; return whether there was one.

    What it has confirmed, or was asked to, ends.
    """
    with transaction.atomic(using=database()):
        if lock(user) is None or not _rows().filter(user_id=user.pk, **which).delete()[0]:
            return False
        confirmations.end_all(user, by=confirmations.SECOND_PHONE)
        events.record(user, Kind.SECOND_PHONE_REMOVED, request)
    return True


def end(phone: str) -> None:
    """Remove a number that has become somebody's first from all whose second it was, in the transaction of that.

    Their events do not tell from where, because that is the network of somebody else.
    """
    for row in _rows().filter(phone=phone).select_related("user").order_by("user_id"):
        remove(row.user, phone=phone)


def _rows() -> QuerySet[SecondPhone]:
    return SecondPhone.objects.using(router.db_for_write(SecondPhone))
