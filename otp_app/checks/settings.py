"""Check the settings at start, and refuse what is invalid with a sentence that says what to do."""

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS

from .. import accounts, phones, staff
from ..accounts import sign_ups
from ..challenges.policies import LOGIN, MAX_TTL_SECONDS
from ..conf import LOCAL_PROVIDERS, TWILIO_NAMES, conf, costs_money, provider_entries
from ..delivery import messages
from ..phones import languages
from ..providers import gsm
from .page import is_included

PLUGINS = ("STORE", "QUEUE", "TOKEN_BACKEND")
REDIS_STORE = "otp_app.stores.redis.RedisStore"


@register
def check_plugins(**_: Any) -> list[CheckMessage]:
    """Find a dotted path that cannot be imported (E003), or a Redis store half configured (E019)."""
    if missing := _missing_for_redis():
        return [Error(f"OTP_STORE is the Redis store, but {missing}.", id="otp_app.E019")]
    paths = {f"OTP_{name}": getattr(conf, name) for name in PLUGINS}
    errors: list[CheckMessage] = []
    for name, path in paths.items():
        try:
            import_string(path)
        except ImportError as error:
            errors.append(Error(f"{name}: {path!r} cannot be imported: {error}", id="otp_app.E003"))
    return errors


def _missing_for_redis() -> str:
    if conf.STORE != REDIS_STORE:
        return ""
    if find_spec("redis") is None:
        return 'the package is not installed: pip install "otp-app[redis]"'
    return "" if conf.REDIS_URL else "OTP_REDIS_URL is empty"


@register
def check_regions(**_: Any) -> list[CheckMessage]:
    """Find an empty allow-list (E004), unknown countries (E012) or none (W001), if messages cost money.

    The list is what bounds the bill when somebody has codes sent to numbers that earn on each.
    """
    if not costs_money():
        return []
    if unknown := sorted(phones.allowed_regions() - SUPPORTED_REGIONS - {"*"}):
        text = f"OTP_ALLOWED_REGIONS holds unknown countries: {', '.join(unknown)}."
        return [Error(text, hint="Use the two-letter codes of ISO 3166, for example UZ.", id="otp_app.E012")]
    if conf.ALLOWED_REGIONS:
        return []
    hint = 'For example OTP_ALLOWED_REGIONS = ["UZ", "KZ"]; "*" serves the whole world, on purpose.'
    if conf.ALLOWED_REGIONS is None:
        text = "OTP_ALLOWED_REGIONS is not set: only Uzbekistan and the country of your Twilio number are served."
        return [checks.Warning(text, hint=hint, id="otp_app.W001")]
    return [Error("OTP_ALLOWED_REGIONS is empty: name the countries you serve.", hint=hint, id="otp_app.E004")]


@register
def check_home_regions(**_: Any) -> list[CheckMessage]:
    """Find home regions that are no countries (E012): the real ones could be blocked by mistake."""
    if isinstance(conf.HOME_REGIONS, str):
        return [Error('OTP_HOME_REGIONS must be a list, for example ["UZ"].', id="otp_app.E012")]
    if unknown := sorted(set(conf.HOME_REGIONS) - SUPPORTED_REGIONS):
        text = f"OTP_HOME_REGIONS holds unknown countries: {', '.join(unknown)}."
        return [Error(text, hint="Use the two-letter codes of ISO 3166, for example UZ.", id="otp_app.E012")]
    return []


@register
def check_twilio(**_: Any) -> list[CheckMessage]:
    """Find Twilio half configured (E005): silently falling back to the console would print codes."""
    missing = [name for name in TWILIO_NAMES if not getattr(settings, name, "")]
    if not missing or len(missing) == len(TWILIO_NAMES):
        return []
    return [
        Error(
            f"Twilio is configured without {' and '.join(missing)}.",
            hint="Set all three TWILIO_* values, or none.",
            id="otp_app.E005",
        )
    ]


@register
def check_segment(**_: Any) -> list[CheckMessage]:
    """Find a message that exceeds one SMS segment (E006), so that every send would cost twice."""
    errors: list[CheckMessage] = []
    for purpose in (LOGIN, *conf.POLICIES):
        for language in languages.LANGUAGES:
            body = messages.body_for(purpose, language, "0" * 10, MAX_TTL_SECONDS // 60)
            if gsm.count_segments(body) > 1:
                text = f"The {language} message takes {gsm.count_segments(body)} SMS segments with a code of 10 digits."
                hint = "Shorten OTP_BRAND or OTP_WEB_HOST, or leave OTP_ANDROID_APP_HASH out."
                errors.append(Error(text, hint=hint, id="otp_app.E006"))
    return errors


@register
def check_user_model(**_: Any) -> list[CheckMessage]:
    """Find a missing phone field (E007), one not unique (E008), or phones kept as user names (W002).

    E015 and E026 are what ``sign_ups.gaps`` finds, E027 is a field too short for E.164.
    """
    model = get_user_model()
    name = accounts.phone_field()
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return [Error(f"OTP_USER_PHONE_FIELD: {model.__name__} has no field {name!r}.", id="otp_app.E007")]
    if not getattr(field, "unique", False):
        hint = "One phone must be one user: add unique=True."
        return [Error(f"{model.__name__}.{name} is not unique.", hint=hint, id="otp_app.E008")]
    found: list[CheckMessage] = [*_too_short(model, field), *_gaps(model, name)]
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
    for gap in sign_ups.gaps(model, phone_field):
        names = " and ".join(f"{model.__name__}.{name}" for name in gap.names)
        if gap.repeated:
            number, fault = "otp_app.E015", "must be unique, and all users made by phone would have the same there"
        else:
            number, fault = "otp_app.E026", "is required, and a user made by phone has no value for it"
        named = model.USERNAME_FIELD in gap.names
        also = f" With null give {model.__name__} a __str__ of its own, which must not be None." if named else ""
        hint = f'Allow null or give it a default.{also} If save() fills it, put "{number}" into SILENCED_SYSTEM_CHECKS.'
        yield Error(f"{names} {fault}.", hint=hint, id=number)


@register
def check_staff(**_: Any) -> list[CheckMessage]:
    """Find that a code begins sessions and nothing keeps those of staff out of the admin (E030)."""
    if conf.STAFF_BY_CODE or staff.has_middleware() or not _begins_sessions():
        return []
    text = "Whoever signs in by a code would have the rights of staff in the admin and in your views."
    hint = f'Add "{staff.MIDDLEWARE}" to MIDDLEWARE, or take the risk with OTP_STAFF_BY_CODE = True.'
    return [Error(text, hint=hint, id="otp_app.E030")]


def _begins_sessions() -> bool:
    with suppress(ImportError):  # E003 tells of it
        return is_included() or bool(getattr(import_string(conf.TOKEN_BACKEND), "ambient", False))
    return False


@register(deploy=True)
def check_production(**_: Any) -> list[CheckMessage]:
    """Find providers that show codes (E010), a clock that can be set (E011), staff by code alone (W007)."""
    errors: list[CheckMessage] = []
    if shown := [entry["ALIAS"] for entry in provider_entries() if entry.get("BACKEND") in LOCAL_PROVIDERS]:
        hint = "Set the three TWILIO_* values, or OTP_PROVIDERS, and leave OTP_OUTBOX_FILE empty."
        text = f"{', '.join(shown)}: this provider shows codes and reaches no phone."
        errors.append(Error(text, hint=hint, id="otp_app.E010"))
    if conf.CLOCK_OFFSET_FILE:
        errors.append(Error("OTP_CLOCK_OFFSET_FILE is for development and tests only.", id="otp_app.E011"))
    if conf.STAFF_BY_CODE:
        hint = "A swapped SIM is enough to get into the admin. Leave it out, and the admin asks for the password."
        errors.append(checks.Warning("OTP_STAFF_BY_CODE is on.", hint=hint, id="otp_app.W007"))
    return errors


@register(deploy=True)
def check_proxies(**_: Any) -> list[CheckMessage]:
    """Warn of a proxy that is trusted for TLS and not for client addresses (W011)."""
    if conf.TRUSTED_PROXIES or not settings.SECURE_PROXY_SSL_HEADER:
        return []
    text = "SECURE_PROXY_SSL_HEADER trusts a proxy and OTP_TRUSTED_PROXIES is 0: all clients share the limits of one."
    hint = "Set OTP_TRUSTED_PROXIES to the number of proxies of yours that append to X-Forwarded-For."
    return [checks.Warning(text, hint=hint, id="otp_app.W011")]
