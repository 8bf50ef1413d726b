"""Check that the user model takes users who have only a phone, and that a code does not give the rights of staff."""

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist
from django.utils.module_loading import import_string

from .. import accounts, phones, staff
from ..accounts import profiles, sign_ups
from ..conf import conf
from .accounts import is_usable
from .page import is_included
from .types import register


@register()
def check_user_model(**_: Any) -> list[CheckMessage]:
    """Find a missing phone field (E007), one not unique (E008), or phones kept as user names (W002).

    E015 and E026 are what ``sign_ups.gaps`` finds, E027 is a field too short for E.164. What a class of OTP_ACCOUNTS
    does in its own way is not checked.
    """
    if not is_usable() or not any(map(accounts.is_default, ("find", "create", "phone_of"))):
        return []
    model = get_user_model()
    name = accounts.phone_field()
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        hint = "Name the model's unique phone field in OTP_USER_PHONE_FIELD, or add one to the model."
        return [Error(f"OTP_USER_PHONE_FIELD: {model.__name__} has no field {name!r}.", hint=hint, id="otp_app.E007")]
    if accounts.is_default("find") and not getattr(field, "unique", False):
        hint = "One phone must be one user: add unique=True."
        return [Error(f"{model.__name__}.{name} is not unique.", hint=hint, id="otp_app.E008")]
    creates = accounts.is_default("create")
    found: list[CheckMessage] = [*_too_short(model, field), *_gaps(model, name)] if creates else []
    if name == model.USERNAME_FIELD and name != "phone" and not conf.USER_PHONE_FIELD:
        hint = (
            'Set AUTH_USER_MODEL = "otp_app.User" before the first migrate, or name a field in OTP_USER_PHONE_FIELD. '
            "Never let people choose a user name that looks like a phone: its owner would sign in to their account."
        )
        found.append(checks.Warning(f"Phones are kept in {model.__name__}.{name}.", hint=hint, id="otp_app.W002"))
    return found


def _too_short(model: Any, field: Any) -> Iterator[CheckMessage]:
    """Find a field too short for numbers of the default country, which people may write without + (E027)."""
    needed = 1 + sum(each.isdigit() for each in phones.example_number())
    if (field.max_length or needed) < needed:
        text = f"{model.__name__}.{field.name} holds {field.max_length} characters; a phone of yours takes {needed}."
        yield Error(text, hint="Phones are kept as +998901234567: let it hold 16.", id="otp_app.E027")


def _gaps(model: Any, phone_field: str) -> Iterator[CheckMessage]:
    """Find unique fields that all new users would share (E015), and required ones without a value (E026)."""
    for gap in sign_ups.gaps(model, phone_field, profiles.names(required=True)):
        names = " and ".join(f"{model.__name__}.{name}" for name in gap.names)
        named = model.USERNAME_FIELD in gap.names
        also = f" With null give {model.__name__} a __str__ of its own, which must not be None." if named else ""
        hint = f"Allow null or give it a default.{also} If save() fills it, name this check in SILENCED_SYSTEM_CHECKS."
        if gap.repeated:
            text = f"{names} must be unique, and all users made by phone would have the same there."
            yield Error(text, hint=hint, id="otp_app.E015")
        else:
            text = f"{names} is required, and a user made by phone has no value for it."
            yield Error(text, hint=hint, id="otp_app.E026")


@register()
def check_staff(**_: Any) -> list[CheckMessage]:
    """Find that a code alone, or a password alone, would give the rights of staff (E030)."""
    if staff.has_middleware():
        return []
    if staff.asks_second_factor():
        text = "Whoever has not given the second factor would have the rights of staff in your views."
        hint = f'Add "{staff.MIDDLEWARE}" to MIDDLEWARE, or take the risk with OTP_STAFF_SECOND_FACTOR = False.'
        return [Error(text, hint=hint, id="otp_app.E030")]
    if _begins_sessions() and not conf.STAFF_BY_CODE:
        text = "Whoever signs in by a code would have the rights of staff in the admin and in your views."
        hint = f'Add "{staff.MIDDLEWARE}" to MIDDLEWARE, or take the risk with OTP_STAFF_BY_CODE = True.'
        return [Error(text, hint=hint, id="otp_app.E030")]
    return []


@register(deploy=True)
def check_second_factor(**_: Any) -> list[CheckMessage]:
    """Warn that a password alone opens the admin: by a setting, or because no admin site asks for more (W017)."""
    if not apps.is_installed("django.contrib.admin") or staff.asks_second_factor():
        return []
    if not conf.STAFF_SECOND_FACTOR:
        hint = "A password that was guessed or given away opens the admin. Leave it out, and staff enrols at a visit."
        return [checks.Warning("OTP_STAFF_SECOND_FACTOR is off.", hint=hint, id="otp_app.W017")]
    hint = "Let the class of your admin site extend otp_app.second_factor.SecondFactorMixin (docs/embedding.md)."
    return [checks.Warning("No admin site asks for a second factor.", hint=hint, id="otp_app.W017")]


@register()
def check_authenticator(**_: Any) -> list[CheckMessage]:
    """Find that an admin site asks for a second factor and a package that it needs is missing (E044)."""
    if not staff.asks_second_factor() or all(map(find_spec, ("pyotp", "segno"))):
        return []
    hint = 'Install the extra "staff" of otp-app.'
    return [Error("The second factor of staff needs pyotp and segno.", hint=hint, id="otp_app.E044")]


def _begins_sessions() -> bool:
    with suppress(ImportError):  # E003 tells of it
        return is_included() or bool(getattr(import_string(conf.TOKEN_BACKEND), "ambient", False))
    return False
