"""Keep recoveries: the way back into an account, by its e-mail address, for whoever has lost the number.

::

    ask ── the row, also where there is no such account ── spend_check, matches: the code by mail
    begin: the value, and the waiting period ── open_by, for each further step ── finish, once
    end_all, stop: whoever is in the account, or reads the notice, ends it before
"""

import hashlib
import secrets
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import F, QuerySet
from django.http import HttpRequest

from .. import stores
from ..challenges import is_id
from ..conf import conf
from ..errors import InvalidOrExpiredCode
from ..factors import mailed_codes
from ..keys import phone_key
from ..models import EmailAddress, Recovery
from . import events
from .adapter import last_login

USE_SECONDS = 7 * 24 * 3600  # after the waiting period, in which the new number is given
KEPT_MS = 24 * 3600 * 1000  # after a recovery has expired
# What has ended a recovery
DONE = "done"
BY_USE = "use"  # somebody has signed in, or used a session
BY_LINK = "link"  # of the notice
BY_ANOTHER = "another"  # one that was begun later
BY_ADDRESS = "address"  # was removed, or another one took its place
_USE = "recovery"


def ask(phone: str, address: EmailAddress | None) -> Recovery:
    """Write down that somebody asks for the way back by an address; None where no account has the two."""
    row = Recovery(
        user_id=address.user_id if address else None,
        address=address.pk if address else None,
        phone=UUID(phone_key(phone)),
        checks_left=mailed_codes.CHECKS,
        expires_at=stores.current().now() + mailed_codes.LIFE_SECONDS * 1000,
    )
    row.save(force_insert=True, using=_rows().db)
    return row


def code_of(row: Recovery) -> str:
    return mailed_codes.code_for(_USE, _held_by(row))


def spend_check(challenge_id: str) -> Recovery:
    """Pay for a check of a recovery that is not begun, and return the recovery. Raise InvalidOrExpiredCode."""
    row = _rows().filter(pk=UUID(challenge_id)).first() if is_id(challenge_id) else None
    payable = _rows().filter(begun_at=None, checks_left__gt=0, expires_at__gt=stores.current().now())
    if row is None or not payable.filter(pk=row.pk).update(checks_left=F("checks_left") - 1):
        raise InvalidOrExpiredCode
    return row


def matches(row: Recovery, code: str) -> bool:
    """Return whether a code is that of the recovery; no code is where there is no account."""
    is_right = mailed_codes.matches(_USE, _held_by(row), code)
    return is_right and row.user_id is not None


def begin(row: Recovery, user: Any, request: HttpRequest | None) -> str:
    """Begin the waiting period and return the value for the steps after it; end the user's other recoveries.

    ``user`` is as its row is now, locked by the transaction around. Raise InvalidOrExpiredCode the second time.
    """
    value, now = secrets.token_urlsafe(32), stores.current().now()
    end_all(user, BY_ANOTHER, request)
    begun = {"begun_at": now, "expires_at": now + (conf.RECOVERY_WAIT + USE_SECONDS) * 1000, "checks_left": 0}
    known = {"digest": _digest(value), "last_login": last_login(user)}
    if not _rows().filter(pk=row.pk, begun_at=None).update(**begun, **known):
        raise InvalidOrExpiredCode
    events.record(user, events.Kind.RECOVERY_BEGUN, request)
    return value


def open_by(value: str) -> Recovery:
    """Return the recovery of a value, begun and not ended. Raise InvalidOrExpiredCode."""
    row = _open().filter(digest=_digest(value), expires_at__gt=stores.current().now()).select_related("user").first()
    if row is None:
        raise InvalidOrExpiredCode
    return row


def seconds_left(row: Recovery) -> int:
    """Return what is left of the waiting period of a recovery that was begun; 0 if it is over."""
    until = (row.begun_at or 0) + conf.RECOVERY_WAIT * 1000
    return max(0, -((stores.current().now() - until) // 1000))


def finish(row: Recovery) -> None:
    """Write down that the new number is given. Raise InvalidOrExpiredCode if the recovery has ended before."""
    if not _end(_open().filter(pk=row.pk), DONE):
        raise InvalidOrExpiredCode


def stop(recovery_id: str, request: HttpRequest | None) -> bool:
    """End what a user has open of recoveries, by the link of a notice; return whether none has led to a new number.

    The link need not be of the newest: whoever has begun one could begin another, so that the first link ends nothing.
    """
    row = _rows().filter(pk=UUID(recovery_id)).exclude(user=None).select_related("user").first()
    if row is None:
        return True
    end_all(row.user, BY_LINK, request)
    return not _rows().filter(user=row.user, ended_by=DONE, ended_at__gte=row.begun_at or 0).exists()


def end_all(user: Any, by: str, request: HttpRequest | None = None) -> None:
    """End the recoveries of a user that were begun, and record it if there was one."""
    if _end(_open().filter(user_id=user.pk), by):
        events.record(user, events.Kind.RECOVERY_STOPPED, request)


def purge(now: int) -> None:
    """Delete the recoveries that expired a day ago by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(expires_at__lt=now - KEPT_MS).delete()


def _end(rows: QuerySet[Recovery], by: str) -> int:
    return rows.update(ended_at=stores.current().now(), ended_by=by)


def _held_by(row: Recovery) -> str:
    """Return what the code of a row is derived from."""
    return f"{row.pk.hex}|{row.nonce.hex}|{row.user_id}|{row.address}"


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()


def _open() -> QuerySet[Recovery]:
    return _rows().filter(ended_at=None).exclude(begun_at=None)


def _rows() -> QuerySet[Recovery]:
    return Recovery.objects.using(router.db_for_write(Recovery))
