"""Check the class that OTP_ACCOUNTS names, and OTP_SIGN_UP, which says whom it lets in."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from .. import accounts
from ..accounts import profiles
from ..conf import conf
from .types import register

METHODS = ("find", "may_sign_up", "create", "phone_of", "set_phone", "shown", "changed", "update", "erase", "export")
SIGN_UPS = ("open", "invited", "closed")


def is_usable() -> bool:
    """Return whether OTP_ACCOUNTS names a class that other checks may ask; E003 or E040 tells if not."""
    with suppress(ImportError):
        return not _missing(import_string(conf.ACCOUNTS))
    return False


@register()
def check_accounts(**_: Any) -> list[CheckMessage]:
    """Find a class that lacks methods (E040), and what ``_serializer_faults`` and ``_set_phone_faults`` name."""
    if is_usable():
        return [*_serializer_faults(), *_set_phone_faults()]
    with suppress(ImportError):  # E003 tells of it
        text = f"OTP_ACCOUNTS: {conf.ACCOUNTS!r} lacks {', '.join(_missing(import_string(conf.ACCOUNTS)))}."
        return [Error(text, hint="Let the class extend otp_app.accounts.Accounts.", id="otp_app.E040")]
    return []


@register()
def check_sign_up(**_: Any) -> list[CheckMessage]:
    """Find an unknown OTP_SIGN_UP (E041), invitations that nobody decides (E042), or that nobody asks for (W015)."""
    if conf.SIGN_UP not in SIGN_UPS:
        text = f"OTP_SIGN_UP is {conf.SIGN_UP!r}: it must be one of {', '.join(SIGN_UPS)}."
        return [Error(text, hint='Set it to "open", "invited" or "closed".', id="otp_app.E041")]
    if not is_usable():
        return []
    decides = not accounts.is_default("may_sign_up")
    if conf.SIGN_UP == "invited" and not decides:
        text, hint = "OTP_SIGN_UP is invited, and nobody is.", "Override may_sign_up in the class of OTP_ACCOUNTS."
        return [Error(text, hint=hint, id="otp_app.E042")]
    if conf.SIGN_UP == "open" and decides:
        text = "OTP_ACCOUNTS overrides may_sign_up, but OTP_SIGN_UP is open: whom it refuses gets a code in vain."
        return [checks.Warning(text, hint='Set OTP_SIGN_UP = "invited".', id="otp_app.W015")]
    return []


def _missing(cls: Any) -> list[str]:
    return [name for name in METHODS if not callable(getattr(cls, name, None))]


def _set_phone_faults() -> Iterator[CheckMessage]:
    """Find that phones are read in one place and would be changed in another (E047)."""
    if accounts.is_default("set_phone") and not accounts.is_default("phone_of"):
        text = f"{type(accounts.current()).__name__} overrides phone_of and not set_phone: no number can be changed."
        hint = "Override set_phone in the class of OTP_ACCOUNTS, and write the phone where phone_of reads it."
        yield Error(text, hint=hint, id="otp_app.E047")


def _serializer_faults() -> Iterator[CheckMessage]:
    """Find a serializer that cannot be imported (E003), or whose members the default ``create`` cannot keep (E043)."""
    try:
        make = profiles.serializer_class()
    except ImportError as error:
        text = f"OTP_ACCOUNTS: its sign_up_serializer cannot be imported: {error}"
        yield Error(text, hint="Correct the dotted path, or install the package that it is in.", id="otp_app.E003")
        return
    if not make or not accounts.is_default("create"):
        return
    model = get_user_model()
    known = {each.name for each in model._meta.concrete_fields}
    if unknown := [name for name in profiles.names() if name not in known]:
        text = f"{make.__name__} has {', '.join(unknown)}, for which {model.__name__} has no field."
        hint = "Override create in the class of OTP_ACCOUNTS, and keep them there."
        yield Error(text, hint=hint, id="otp_app.E043")
