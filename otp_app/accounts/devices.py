"""Devices that signed in before: their sends and checks are counted apart, so that strangers cannot use them up.

A device holds a signed value that names the phone (by its keyed hash), the device and when it was issued. It signs
nobody in. Signing out keeps it; "sign out everywhere" makes all that were issued before worth nothing.
"""

from django.core.signing import BadSignature, Signer
from django.db import router

from .. import stores
from ..challenges import random_id
from ..conf import conf
from ..db import clock
from ..keys import phone_key
from ..models import DevicesEnd

_SALT = "otp_app.device"
_DAY = 24 * 3_600_000  # milliseconds
LONGEST = 256  # characters


def issue(phone: str, at: int, device: str = "") -> str:
    """The value for a device that has just signed in at ``at`` (the store's time); a new device without an id."""
    return str(_signer().sign_object([phone_key(phone), device or random_id(), at]))


def renew(phone: str, at: int, value: str | None, *, known: bool = False) -> str:
    """Return the same for who came with this value: a device stays the one that it was.

    One that is ``known``, that is recognised now, keeps its value until that is a day old.
    """
    owner, device, issued_at = _read(value)
    if known and value and at - issued_at < _DAY:
        return value
    return issue(phone, at, device if owner == phone_key(phone) else "")


def recognise(phone: str, value: str | None) -> str:
    """The id of a device that signed in with this phone before; empty for everything else, which is no error."""
    owner, device, issued_at = _read(value)
    if owner != phone_key(phone):
        return ""
    # Asked where it is written: a replica that lags would know a device that its owner has just signed out.
    ends = DevicesEnd.objects.using(router.db_for_write(DevicesEnd))
    return "" if ends.filter(phone=owner, at__gte=issued_at).exists() else device


def end_all(phone: str) -> None:
    """No value that was issued until now is known any more. A user without a phone has no devices."""
    if phone:
        DevicesEnd.objects.update_or_create(phone=phone_key(phone), defaults={"at": stores.current().now()})


def _read(value: str | None) -> tuple[str, str, int]:
    """Whose, which and since when; empty for what is not a value of ours, or too old."""
    # JSON can spell half of a surrogate pair, on which the comparison of signatures would fail.
    if not value or len(value) > LONGEST or not value.isascii():
        return "", "", 0
    try:
        owner, device, issued_at = _signer().unsign_object(value)
    except BadSignature:
        return "", "", 0
    # By our clock: the one of Django's TimestampSigner cannot be set.
    too_old = issued_at + conf.DEVICE_TTL * 1000 <= clock.milliseconds()
    return ("", "", 0) if too_old else (owner, device, issued_at)


def _signer() -> Signer:
    """Made at each use: it reads SECRET_KEY and its fallbacks when it is made."""
    return Signer(salt=_SALT)
