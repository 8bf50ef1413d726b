"""Keep the second factor of staff: an authenticator by TOTP (RFC 6238), and recovery codes that are good once each.

The secret is derived from the factor's id and a key of the settings, so a dump of the database opens no admin.
"""

import hmac
import secrets
from base64 import b32encode
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from ..conf import conf
from ..db import clock
from ..keys import fingerprint, kept_keys
from ..models import RecoveryCode, StaffFactor

RECOVERY_CODES = 10
_STEP_MILLISECONDS = 30_000
_STEPS = (0, -1, 1)  # of the code that is typed, beside the current one: clocks differ, and people are slow
_SECRET_BYTES = 20  # RFC 4226 recommends 160 bits
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_LETTERS_OF_CODE = 10  # some 50 bits


def new(user: Any, pk: str) -> StaffFactor:
    """Return a factor that is not saved, because its owner has yet to show a code of it."""
    return StaffFactor(pk=UUID(pk), user_id=user.pk, key=fingerprint(kept_keys("second factor")[0]))


def find(user: Any) -> StaffFactor | None:
    """Return the factor of a user."""
    return _factors().filter(user_id=user.pk).first()


def is_of(user: Any, pk: str) -> bool:
    """Return whether a user has the factor with this key, and no other since."""
    return bool(pk) and _factors().filter(pk=pk, user_id=user.pk).exists()


def secret_of(factor: StaffFactor) -> str:
    """Return the secret in base32, as authenticators take it; "" if its key has gone from the settings."""
    key = next((key for key in kept_keys("second factor") if fingerprint(key) == factor.key), None)
    return b32encode(hmac.digest(key, factor.pk.bytes, "sha256")[:_SECRET_BYTES]).decode() if key else ""


def uri_of(factor: StaffFactor, name: str) -> str:
    """Return the address by which an authenticator adds the factor."""
    from pyotp import TOTP

    return TOTP(secret_of(factor)).provisioning_uri(name=name, issuer_name=conf.BRAND)


def drawing_of(uri: str) -> str:
    """Return the address of an authenticator as a QR code, in SVG that stands in a page: a phone reads it there."""
    from segno import make

    return make(uri, micro=False).svg_inline(scale=4, dark="#000", light="#fff", title=_("QR code"))


def enrol(factor: StaffFactor, code: str) -> list[str]:
    """Save a new factor if the code is its own, and return its recovery codes, which nobody can read again.

    Return none of them if the code is wrong, or if the user has got a factor meanwhile.
    """
    step = _step_of(factor, _plain(code))
    if step is None:
        return []
    factor.last_step = step
    codes = [f"{number}{_random_letters()}" for number in range(RECOVERY_CODES)]
    hashed = [RecoveryCode(factor=factor, number=code[0], hash=make_password(code)) for code in codes]
    try:
        with transaction.atomic(using=_factors().db):
            factor.save(force_insert=True, using=_factors().db)
            RecoveryCode.objects.using(_factors().db).bulk_create(hashed)
    except IntegrityError:
        return []
    return ["-".join((code[0], code[1:6], code[6:])) for code in codes]


def use(factor: StaffFactor, code: str) -> str:
    """Use up a code; return "totp" or "recovery" by its kind, or "" if it is wrong or used up already."""
    plain = _plain(code)
    if (step := _step_of(factor, plain)) is not None:
        unused = _factors().filter(pk=factor.pk, last_step__lt=step)
        return "totp" if unused.update(last_step=step) else ""
    return "recovery" if _use_recovery_code(factor, plain) else ""


def remove(user: Any) -> bool:
    """Delete the factor of a user with its recovery codes; return whether there was one."""
    return bool(_factors().filter(user_id=user.pk).delete()[0])


def _use_recovery_code(factor: StaffFactor, plain: str) -> bool:
    if len(plain) != 1 + _LETTERS_OF_CODE or plain[0] not in "0123456789":
        return False
    rows = RecoveryCode.objects.using(_factors().db).filter(factor=factor.pk, number=plain[0])
    row = rows.first()
    return row is not None and check_password(plain, row.hash) and bool(rows.delete()[0])


def _step_of(factor: StaffFactor, plain: str) -> int | None:
    """Return the step whose code this is."""
    from pyotp import TOTP

    secret = secret_of(factor)
    if not secret:
        return None
    totp, now = TOTP(secret), clock.milliseconds() // _STEP_MILLISECONDS
    steps = [now + apart for apart in _STEPS]
    return next((step for step in steps if secrets.compare_digest(totp.generate_otp(step), plain)), None)


def _plain(code: str) -> str:
    """Return a code as it is compared, without what people put between its characters."""
    letters = "".join(each for each in code.casefold() if each.isalnum())
    return letters if letters.isascii() else ""


def _random_letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LETTERS_OF_CODE))


def _factors() -> QuerySet[StaffFactor]:
    """Return the rows of all factors, in the database that they are written to: a replica has them late."""
    return StaffFactor.objects.using(router.db_for_write(StaffFactor))
