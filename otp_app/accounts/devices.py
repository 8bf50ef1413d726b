"""Recognise devices that signed in before: their sends and checks are counted apart from those of strangers.

So strangers cannot use them up. A device holds a signed value that names the phone (by its keyed hash), the device and
the instant of issue. The value signs nobody in. Signing out keeps it; "sign out everywhere" ends all values
issued before.
"""

from django.core.signing import BadSignature, Signer
from django.db import router

from .. import stores
from ..challenges import random_id
from ..conf import conf
from ..db import clock
from ..db.lookups import Lookup
from ..keys import phone_key
from ..models import DevicesEnd

_ENDED_AT = Lookup(DevicesEnd.objects.all(), "phone", ["at"])
_SALT = "otp_app.device"
_RENEW_AFTER_MS = 24 * 3_600_000
MAX_VALUE_CHARACTERS = 256


def issue(phone: str, at: int, device: str = "") -> str:
    """Return the value for a device that signed in at ``at`` (ms by the store's clock); without its id, make one."""
    return str(_signer().sign_object([phone_key(phone), device or random_id(), at]))


def renew(phone: str, at: int, value: str | None, *, known: bool = False) -> str:
    """Return a value with the same device id as ``value``, or with a new id if ``value`` is another phone's or none.

    A ``known`` device, which is recognised now, keeps its value until the value is a day old.
    """
    owner, device, issued_at = _read(value)
    if known and value and at - issued_at < _RENEW_AFTER_MS:
        return value
    return issue(phone, at, device if owner == phone_key(phone) else "")


def recognise(phone: str, value: str | None) -> str:
    """Return the id of a device that signed in with this phone before; empty for any other value."""
    owner, device, issued_at = _read(value)
    if owner != phone_key(phone):
        return ""
    # Read where it is written: a replica that lags would recognise a device that its owner has just signed out.
    ended = _ENDED_AT.first(router.db_for_write(DevicesEnd), owner)
    return "" if ended and ended[0] >= issued_at else device


def end_all(phone: str, *, erased: bool = False) -> int:
    """End all values that were issued until now, and return that instant. A user without a phone has no devices.

    ``erased``: the account is deleted; the row is then kept for thirty days only.
    """
    at = stores.current().now()
    if phone:
        DevicesEnd.objects.update_or_create(phone=phone_key(phone), defaults={"at": at, "erased": erased})
    return at


def ended_at(phone: str, **facts: bool) -> int:
    """Return when the devices of a phone were ended last (ms by the store's clock); 0 if that is not known.

    With ``erased=True``: by the deletion of an account.
    """
    ends = DevicesEnd.objects.using(router.db_for_write(DevicesEnd)).filter(phone=phone_key(phone), **facts)
    return ends.values_list("at", flat=True).first() or 0


def _read(value: str | None) -> tuple[str, str, int]:
    """Return phone key, device id and instant of issue; empty if the value is too old or was not issued here."""
    # JSON can contain half of a surrogate pair, for which the comparison of signatures would raise.
    if not value or len(value) > MAX_VALUE_CHARACTERS or not value.isascii():
        return "", "", 0
    try:
        owner, device, issued_at = _signer().unsign_object(value)
    except BadSignature:
        return "", "", 0
    # By the app's clock, because that of Django's TimestampSigner cannot be set.
    too_old = issued_at + conf.DEVICE_TTL * 1000 <= clock.milliseconds()
    return ("", "", 0) if too_old else (owner, device, issued_at)


def _signer() -> Signer:
    """Return a new signer at each use, because a signer reads SECRET_KEY and its fallbacks when it is made."""
    return Signer(salt=_SALT)
