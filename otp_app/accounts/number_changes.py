"""Keep the changes of numbers: begun by a code to the new number, made, and perhaps undone from the old one.

::

    begin ── the row, named by its challenge ── open_for ── make ── undoable, for 72 hours ── undo

As long as a change can be undone, its old number is kept for the user. For a day the new number is no way back.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import QuerySet

from .. import stores
from ..challenges import is_id
from ..challenges.policies import DELETE_ACCOUNT
from ..db import writes
from ..db.transactions import durable
from ..errors import InvalidOrExpiredCode
from ..keys import phone_key
from ..models import NumberChange
from .adapter import database

_HOUR_MS = 3600 * 1000
UNDO_MS = 72 * _HOUR_MS
NEW_MS = 24 * _HOUR_MS
KEPT_MS = UNDO_MS + NEW_MS  # after the change was begun


def begin(user: Any, old: str, new: str, challenge_id: str, **way: Any) -> None:
    """Write down which number a user wants instead of which; ``challenge_id`` is that of the code to the new one.

    ``way`` is as in ``open_for``.
    """
    told = {"old": old, "new": new, "created_at": stores.current().now()}
    _rows().create(challenge=UUID(challenge_id), user=user, **told, **way)


def forget(challenge_id: str) -> bool:
    """Delete a change whose code was not sent, or a second number that is kept now; return whether it was there."""
    return bool(_rows().filter(pk=UUID(challenge_id)).delete()[0])


def open_for(user: Any, challenge_id: str, *, second: bool = False, recovery: UUID | None = None) -> NumberChange:
    """Return the change of a challenge that this user has begun, in this way, and not made.

    ``second``: the number comes beside the old one. ``recovery`` is the id of the recovery by which the change is to be
    made, None for a user who is signed in. Raise InvalidOrExpiredCode.
    """
    begun = _rows().filter(user=user, changed_at=None, second=second, recovery=recovery)
    return _one(begun, challenge_id)


def undoable(change_id: str) -> NumberChange:
    """Return a change that was made within 72 hours and is not undone. Raise InvalidOrExpiredCode."""
    since = stores.current().now() - UNDO_MS
    return _one(_rows().filter(changed_at__gt=since, restored_at=None).exclude(old=""), change_id)


def is_undone(change_id: str) -> bool:
    """Return whether a change was undone."""
    return is_id(change_id) and _rows().filter(pk=UUID(change_id)).exclude(restored_at=None).exists()


@contextmanager
def alone_with(row: NumberChange) -> Iterator[Any]:
    """Yield the user of a change as the database has it now, within a transaction and alone with both numbers.

    Raise InvalidOrExpiredCode if the user was erased meanwhile.
    """
    model, alias = get_user_model(), database()
    with durable(alias):
        # First the turns, always in one order, as sign-ups take them; then the user, as whoever changes it by hand.
        for key in sorted(map(phone_key, filter(None, (row.old, row.new)))):
            writes.take_turn(alias, key, model)
        user = model._base_manager.using(alias).select_for_update().filter(pk=row.user_id).first()
        if user is None:
            raise InvalidOrExpiredCode
        yield user


def make(row: NumberChange) -> None:
    """Write down that a change is made, which ends the others that the user has begun. Raise InvalidOrExpiredCode."""
    if not _rows().filter(pk=row.pk, changed_at=None).update(changed_at=stores.current().now()):
        raise InvalidOrExpiredCode
    _rows().filter(user=row.user_id, changed_at=None).delete()


def undo(row: NumberChange) -> None:
    """Write down that a change is undone. Raise InvalidOrExpiredCode if it is so already.

    The later changes of the user end with it: whoever has made them would else undo this by their links.
    """
    now = stores.current().now()
    if not _rows().filter(pk=row.pk, restored_at=None).update(restored_at=now):
        raise InvalidOrExpiredCode
    later = _rows().filter(user=row.user_id, changed_at__gte=row.changed_at, restored_at=None)
    later.update(restored_at=now)
    _rows().filter(user=row.user_id, changed_at=None).delete()


def seconds_new(user: Any, purpose: str) -> int:
    """Return for how many seconds the number of a user is too new to confirm a purpose; 0 if it is not."""
    return _seconds_left(_rows().filter(user=user), period_of(purpose))


def seconds_kept(phone: str, user: Any = None) -> int:
    """Return for how many seconds a number is still kept for the one who had it, unless that is ``user``; else 0."""
    return _seconds_left(_rows().filter(old=phone).exclude(user=user), UNDO_MS)


def period_of(purpose: str) -> int:
    """Return for how many milliseconds a number is too new to confirm a purpose.

    A deletion waits until a change cannot be undone any more, because nobody could undo that.
    """
    return UNDO_MS if purpose == DELETE_ACCOUNT else NEW_MS


def seconds_left(instants: Iterable[int | None], period: int) -> int:
    """Return what is left of a period (milliseconds) since the first of these instants; 0 if there is none."""
    at = next(iter(instants), None)
    # The store is asked for the time only if there is an instant: mostly there is none.
    return max(0, -((stores.current().now() - period - at) // 1000)) if at else 0


def purge(now: int) -> None:
    """Delete the changes that were begun four days ago by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(created_at__lt=now - KEPT_MS).delete()


def _seconds_left(rows: QuerySet[NumberChange], period: int) -> int:
    """Return what is left of a period (milliseconds) since the last change that is not undone."""
    made = rows.filter(changed_at__gt=0, restored_at=None).order_by("-changed_at")
    return seconds_left(made.values_list("changed_at", flat=True)[:1], period)


def _one(rows: QuerySet[NumberChange], name: str) -> NumberChange:
    row = rows.filter(pk=UUID(name)).first() if is_id(name) else None
    if row is None:
        raise InvalidOrExpiredCode
    return row


def _rows() -> QuerySet[NumberChange]:
    return NumberChange.objects.using(router.db_for_write(NumberChange))
