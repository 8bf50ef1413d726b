"""Keep the e-mail address of a user, proven by a code, for notices. It proves nobody by itself.

The code is derived as those to phones are, from a key of the settings and what the row holds, so a dump shows none.
"""

import hashlib
import hmac
import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import get_connection, send_mail
from django.db import router
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from .. import stores
from ..challenges import is_id
from ..conf import conf
from ..errors import DeliveryFailed, InvalidOrExpiredCode, InvalidRequest
from ..keys import keys_for
from ..limits import request_limits
from ..models import EmailAddress
from .changing import alone

LIFE_SECONDS = 600  # of a code
_CHECKS = 5
_DIGITS = 6
_KEPT_MS = 24 * 3600 * 1000  # of an address that was not proven


def find(user: Any) -> str:
    """Return the proven address of a user, or ""."""
    row = _rows().filter(user_id=user.pk, verified_at__isnull=False).first()
    return row.email if row else ""


def begin(user: Any, email: str) -> str:
    """Send a code to an address, in the language in force, and return the id by which it is verified.

    Raise Limited, or DeliveryFailed if the mail could not be handed over.
    """
    store = stores.current()
    store.take(request_limits.for_email(f"user {user.pk}"))
    row = EmailAddress(user_id=user.pk, email=email, checks_left=_CHECKS, created_at=store.now())
    row.save(force_insert=True, using=_rows().db)
    told = {"code": _code_of(row, keys_for("email")[0]), "brand": conf.BRAND, "minutes": LIFE_SECONDS // 60}
    subject = _("%(brand)s: your code") % told
    try:
        connection = get_connection(timeout=settings.EMAIL_TIMEOUT or conf.PROVIDER_DEADLINE)
        send_mail(subject, render_to_string("otp_app/email.txt", told), None, [email], connection=connection)
    except OSError as error:  # smtplib's errors are
        _rows().filter(pk=row.pk).delete()
        raise DeliveryFailed from error
    return row.pk.hex


def verify(user: Any, challenge_id: str, code: str) -> None:
    """Pay for a check, compare the code, and keep the address in place of the one before.

    Raise InvalidRequest for a code of another form, before a check is spent, or InvalidOrExpiredCode.
    """
    if not re.fullmatch(f"[0-9]{{{_DIGITS}}}", code):
        raise InvalidRequest({"otp": [_("This must be {length} digits.").format(length=_DIGITS)]})
    row = _paid_for(user, challenge_id)
    if not any(hmac.compare_digest(_code_of(row, key).encode(), code.encode()) for key in keys_for("email")):
        raise InvalidOrExpiredCode
    now = stores.current().now()
    with alone(user):
        _rows().filter(user_id=user.pk, verified_at__isnull=False).exclude(pk=row.pk).delete()
        if not _rows().filter(pk=row.pk, verified_at=None).update(verified_at=now, checks_left=0):
            raise InvalidOrExpiredCode


def remove(user: Any) -> bool:
    """Delete the addresses of a user, proven or not; return whether there was a proven one."""
    had_one = bool(find(user))
    _rows().filter(user_id=user.pk).delete()
    return had_one


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


def _code_of(row: EmailAddress, key: bytes) -> str:
    text = f"{row.pk.hex}|{row.nonce.hex}|{row.user_id}|{row.email}".encode()
    number = int.from_bytes(hmac.digest(key, text, hashlib.sha256)[:8], "big")
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def _rows() -> QuerySet[EmailAddress]:
    """Return the rows of all addresses, in the database that they are written to: a replica has them late."""
    return EmailAddress.objects.using(router.db_for_write(EmailAddress))
