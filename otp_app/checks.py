"""System checks: nonsense in the settings is refused at start, each with a sentence that says what to do."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, router
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS

from . import accounts, messages, phones
from .conf import TWILIO_NAMES, conf, costs_money
from .models import ChallengeRow, Counter, Delivery
from .policies import LOGIN

PLUGINS = ("STORE", "QUEUE", "TOKEN_BACKEND")
# name: least, most. Sources stand in conf; 600 s and 10 checks are the most NIST SP 800-63B-4 leaves room for.
LONGEST_TTL = 600  # seconds
RANGES: dict[str, tuple[int, int | None]] = {
    "CODE_LENGTH": (6, 10),
    "TTL": (30, LONGEST_TTL),
    "CHECKS": (1, 10),
    "CHECKS_BY_PHONE": (0, 10),
    "SENDS": (1, 10),
    "SENDS_PER_PHONE_HOUR": (1, None),
    "SENDS_PER_PHONE_DAY": (1, None),
    "FAILURES_PER_PHONE_DAY": (1, None),
    "FAILURES_PER_PHONE_MONTH": (1, None),
    "SENDS_PER_CLIENT_HOUR": (1, None),
    "UNCONVERTED_PER_CLIENT_HOUR": (1, None),
    "CHECKS_PER_CLIENT_HOUR": (1, None),
    "TRUSTED_PROXIES": (0, None),
    "PROVIDER_DEADLINE": (1, 60),
    "PROVIDER_CALLS": (1, None),
    "TOKEN_TTL": (60, None),
    "TOKEN_IDLE": (60, None),
}
POLICY_NUMBERS = {
    "length": "CODE_LENGTH",
    "ttl": "TTL",
    "checks": "CHECKS",
    "checks_by_phone": "CHECKS_BY_PHONE",
    "sends": "SENDS",
}


@register
def check_numbers(**_: Any) -> list[CheckMessage]:
    """E001 a number out of its range; E002 a budget smaller than one challenge needs."""
    return [*_out_of_range(), *_wrong_waits(), *_wrong_policies()] or list(_too_small_budgets())


def _out_of_range() -> Iterator[CheckMessage]:
    for name, (least, most) in RANGES.items():
        value = getattr(conf, name)
        if _outside(value, least, most):
            upto = f" and at most {most}" if most is not None else ""
            yield Error(f"OTP_{name} is {value!r}; it must be a number of at least {least}{upto}.", id="otp_app.E001")


def _outside(value: Any, least: int, most: int | None) -> bool:
    return not isinstance(value, int) or value < least or (most is not None and value > most)


def _wrong_waits() -> Iterator[CheckMessage]:
    if not all(isinstance(step, int) and step >= 0 for step in conf.WAITS):
        yield Error("OTP_WAITS must be whole numbers of seconds, none below 0.", id="otp_app.E001")


def _wrong_policies() -> Iterator[CheckMessage]:
    for purpose, numbers in conf.POLICIES.items():
        for name, value in numbers.items():
            least, most = RANGES.get(POLICY_NUMBERS.get(name, ""), (1, 0))
            if _outside(value, least, most):
                text = f"OTP_POLICIES[{purpose!r}]: {name!r} is unknown or {value!r} is out of its range."
                yield Error(text, id="otp_app.E001")


def _too_small_budgets() -> Iterator[CheckMessage]:
    most = max([conf.CHECKS, *(numbers.get("checks", 0) for numbers in conf.POLICIES.values())])
    for name in ("FAILURES_PER_PHONE_DAY", "FAILURES_PER_PHONE_MONTH"):
        if getattr(conf, name) < most:
            hint = "A challenge reserves all its checks when it opens, so no code could ever be sent."
            yield Error(f"OTP_{name} is smaller than OTP_CHECKS.", hint=hint, id="otp_app.E002")


@register
def check_plugins(**_: Any) -> list[CheckMessage]:
    """E003 a dotted path that cannot be imported; E013 a provider without alias or path."""
    paths = {f"OTP_{name}": getattr(conf, name) for name in PLUGINS}
    errors: list[CheckMessage] = []
    for entry in conf.PROVIDERS:
        if not all(isinstance(entry.get(name), str) for name in ("ALIAS", "BACKEND")) or len(entry["ALIAS"]) > 32:  # noqa: PLR2004
            text = 'OTP_PROVIDERS: each entry needs "ALIAS" (at most 32 characters) and "BACKEND" (a dotted path).'
            return [Error(text, id="otp_app.E013")]
        paths["OTP_PROVIDERS"] = entry["BACKEND"]
    for name, path in paths.items():
        try:
            import_string(path)
        except ImportError as error:
            errors.append(Error(f"{name}: {path!r} cannot be imported: {error}", id="otp_app.E003"))
    return errors


@register
def check_regions(**_: Any) -> list[CheckMessage]:
    """E004 an empty allow-list, E012 one with unknown countries, W001 none, where messages cost money.

    The list is what bounds the bill when somebody has codes sent to numbers that earn on each.
    """
    if not costs_money():
        return []
    if unknown := sorted(phones.allowed_regions() - SUPPORTED_REGIONS - {"*"}):
        text = f"OTP_ALLOWED_REGIONS names no countries by {', '.join(unknown)}."
        return [Error(text, hint="Use the two letters of ISO 3166, as UZ.", id="otp_app.E012")]
    if conf.ALLOWED_REGIONS:
        return []
    hint = 'For example OTP_ALLOWED_REGIONS = ["UZ", "KZ"]; "*" serves the whole world, on purpose.'
    if conf.ALLOWED_REGIONS is None:
        text = "OTP_ALLOWED_REGIONS is not set: only Uzbekistan and the country of your Twilio number are served."
        return [checks.Warning(text, hint=hint, id="otp_app.W001")]
    return [Error("OTP_ALLOWED_REGIONS is empty: name the countries you serve.", hint=hint, id="otp_app.E004")]


@register
def check_twilio(**_: Any) -> list[CheckMessage]:
    """E005: some but not all of the three values; silently falling back to the console would print codes."""
    missing = [name for name in TWILIO_NAMES if not getattr(settings, name, "")]
    if not missing or len(missing) == len(TWILIO_NAMES):
        return []
    return [Error(f"Twilio is configured but for {' and '.join(missing)}.", id="otp_app.E005")]


@register
def check_segment(**_: Any) -> list[CheckMessage]:
    """E006: the longest message no longer fits one SMS segment, so that every send would cost twice."""
    errors: list[CheckMessage] = []
    for purpose in (LOGIN, *conf.POLICIES):
        for language in messages.LANGUAGES:
            body = messages.body_for(purpose, language, "0" * 10, LONGEST_TTL // 60)
            if messages.segments(body) > 1:
                text = f"The {language} message takes {messages.segments(body)} SMS segments with a code of 10 digits."
                hint = "Shorten OTP_BRAND or OTP_WEB_HOST, or leave OTP_ANDROID_APP_HASH out."
                errors.append(Error(text, hint=hint, id="otp_app.E006"))
    return errors


@register
def check_user_model(**_: Any) -> list[CheckMessage]:
    """E007 no such phone field, E008 it is not unique, W002 phones are kept in the user names of auth.User."""
    model = get_user_model()
    name = accounts.phone_field()
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return [Error(f"OTP_USER_PHONE_FIELD: {model.__name__} has no field {name!r}.", id="otp_app.E007")]
    if not getattr(field, "unique", False):
        hint = "One phone must be one user: add unique=True."
        return [Error(f"{model.__name__}.{name} is not unique.", hint=hint, id="otp_app.E008")]
    if name == model.USERNAME_FIELD and name != "phone" and not conf.USER_PHONE_FIELD:
        hint = (
            'Set AUTH_USER_MODEL = "otp_app.User" before the first migrate, or name a field in OTP_USER_PHONE_FIELD. '
            "Never let people choose a user name that looks like a phone: its owner would sign in to their account."
        )
        return [checks.Warning(f"Phones are kept in {model.__name__}.{name}.", hint=hint, id="otp_app.W002")]
    return list(_wanting(model, {name, model.USERNAME_FIELD}))


def _wanting(model: Any, filled: set[str]) -> Iterator[CheckMessage]:
    """E015: what a user made by phone has no value for must not have to be unique."""
    for field in model._meta.concrete_fields:
        empty = not field.null and not field.has_default() and not field.primary_key
        if field.unique and empty and field.name not in filled:
            hint = "Allow null or give it a default: the second user who signs up by phone could not be created."
            yield Error(f"{model.__name__}.{field.name} is unique and required.", hint=hint, id="otp_app.E015")


@register(Tags.database)
def check_database(**_: Any) -> list[CheckMessage]:
    """E009 a database the SQL store does not speak to; E014 its tables in two databases, where no transaction holds."""
    alias = router.db_for_write(ChallengeRow)
    if {router.db_for_write(model) for model in (Counter, Delivery)} != {alias}:
        return [Error("Challenges, counters and deliveries must be in one database.", id="otp_app.E014")]
    if connections[alias].vendor in ("postgresql", "sqlite"):
        return []
    return [Error("The SQL store needs PostgreSQL or SQLite 3.35 and later.", id="otp_app.E009")]


@register(deploy=True)
def check_production(**_: Any) -> list[CheckMessage]:
    """E010: in production, a provider that shows codes, or a clock that can be set."""
    errors: list[CheckMessage] = []
    if not costs_money():
        hint = "Set the three TWILIO_* values, or OTP_PROVIDERS, and leave OTP_OUTBOX_FILE empty."
        errors.append(Error("The provider in force shows codes and reaches no phone.", hint=hint, id="otp_app.E010"))
    if conf.CLOCK_OFFSET_FILE:
        errors.append(Error("OTP_CLOCK_OFFSET_FILE is for development and tests only.", id="otp_app.E011"))
    return errors
