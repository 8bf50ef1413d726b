"""Keep the e-mail address of a user, proven by a code, for notices and as a way back. It proves nobody by itself."""

from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import F, QuerySet

from .. import stores
from ..challenges import is_id
from ..errors import DeliveryFailed, InvalidOrExpiredCode
from ..limits import request_limits
from ..models import EmailAddress
from . import mailed_codes
from .changing import alone
from .mailed_codes import LIFE_SECONDS

__all__ = ["LIFE_SECONDS", "WAY_BACK_MS", "begin", "find", "of_way_back", "purge", "remove", "verify"]

WAY_BACK_MS = 7 * 24 * 3600 * 1000  # after which a proven address is a way back
_USE = "email"
_KEPT_MS = 24 * 3600 * 1000  # of an address that was not proven


def find(user: Any) -> str:
    """Return the proven address of a user, or ""."""
    row = _rows().filter(user_id=user.pk, verified_at__isnull=False).first()
    return row.email if row else ""


def of_way_back(user: Any | None) -> EmailAddress | None:
    """Return the address by which a user gets back into the account, or None.

    It was proven a week ago: whoever has held the number for a shorter time may have added it. Nobody has none, by the
    same query.
    """
    key: Any = user.pk if user else None
    return _rows().filter(user_id=key, verified_at__lte=stores.current().now() - WAY_BACK_MS).first()


def begin(user: Any, email: str) -> str:
    """Send a code to an address, in the language in force, and return the id by which it is verified.

    Raise Limited, or DeliveryFailed if the mail could not be handed over.
    """
    store = stores.current()
    store.take(request_limits.for_email(f"user {user.pk}"))
    row = EmailAddress(user_id=user.pk, email=email, checks_left=mailed_codes.CHECKS, created_at=store.now())
    row.save(force_insert=True, using=_rows().db)
    try:
        mailed_codes.send_code(email, "otp_app/email.txt", mailed_codes.code_for(_USE, _held_by(row)))
    except DeliveryFailed:
        _rows().filter(pk=row.pk).delete()
        raise
    return row.pk.hex


def verify(user: Any, challenge_id: str, code: str) -> str:
    """Pay for a check, compare the code, keep the address, and return the one that it has replaced, or "".

    The same address, proven again, replaces none. Raise InvalidRequest for a code of another form, before a check is
    spent, or InvalidOrExpiredCode.
    """
    mailed_codes.require_form(code)
    row = _paid_for(user, challenge_id)
    if not mailed_codes.matches(_USE, _held_by(row), code):
        raise InvalidOrExpiredCode
    now = stores.current().now()
    with alone(user):
        before = find(user)
        _rows().filter(user_id=user.pk, verified_at__isnull=False).exclude(pk=row.pk).delete()
        if not _rows().filter(pk=row.pk, verified_at=None).update(verified_at=now, checks_left=0):
            raise InvalidOrExpiredCode
    return "" if before.lower() == row.email.lower() else before


def remove(user: Any) -> str:
    """Delete the addresses of a user, proven or not; return the proven one, or ""."""
    with alone(user):
        before = find(user)
        _rows().filter(user_id=user.pk).delete()
    return before


def purge(now: int) -> None:
    """Delete what was not proven within a day, by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(verified_at=None, created_at__lt=now - _KEPT_MS).delete()


def _paid_for(user: Any, challenge_id: str) -> EmailAddress:
    """Return the row of an address that the user has yet to prove, with one check less. Raise InvalidOrExpiredCode."""
    since = stores.current().now() - LIFE_SECONDS * 1000
    named = _rows().filter(user_id=user.pk, verified_at=None)
    row = named.filter(pk=UUID(challenge_id)).first() if is_id(challenge_id) else None
    payable = named.filter(checks_left__gt=0, created_at__gt=since)
    if row is None or not payable.filter(pk=row.pk).update(checks_left=F("checks_left") - 1):
        raise InvalidOrExpiredCode
    return row


def _held_by(row: EmailAddress) -> str:
    """Return what the code of a row is derived from."""
    return f"{row.pk.hex}|{row.nonce.hex}|{row.user_id}|{row.email}"


def _rows() -> QuerySet[EmailAddress]:
    """Return the rows of all addresses, in the database that they are written to: a replica has them late."""
    return EmailAddress.objects.using(router.db_for_write(EmailAddress))
