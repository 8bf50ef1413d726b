"""Check the settings at start, and refuse what is invalid with a sentence that says what to do."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS

from .. import phones
from ..challenges.policies import LOGIN, MAX_TTL_SECONDS
from ..conf import LOCAL_PROVIDERS, TWILIO_NAMES, conf, costs_money, provider_entries
from ..delivery import messages
from ..phones import languages
from ..providers import gsm
from .types import register

PLUGINS = ("ACCOUNTS", "STORE", "QUEUE", "TOKEN_BACKEND")
REDIS_STORE = "otp_app.stores.redis.RedisStore"


@register()
def check_plugins(**_: Any) -> list[CheckMessage]:
    """Find a dotted path that cannot be imported (E003), or a Redis store half configured (E019)."""
    if missing := _missing_for_redis():
        hint = "Install the extra redis and set OTP_REDIS_URL, as redis://host:6379/0; or leave OTP_STORE out."
        return [Error(f"OTP_STORE is the Redis store, but {missing}.", hint=hint, id="otp_app.E019")]
    paths = {f"OTP_{name}": getattr(conf, name) for name in PLUGINS}
    errors: list[CheckMessage] = []
    for name, path in paths.items():
        try:
            import_string(path)
        except ImportError as error:
            hint = "Correct the dotted path, or install the package that it is in."
            errors.append(Error(f"{name}: {path!r} cannot be imported: {error}", hint=hint, id="otp_app.E003"))
    return errors


def _missing_for_redis() -> str:
    if conf.STORE != REDIS_STORE:
        return ""
    if find_spec("redis") is None:
        return 'the package is not installed: pip install "redis[hiredis]"'
    return "" if conf.REDIS_URL else "OTP_REDIS_URL is empty"


@register()
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


@register()
def check_home_regions(**_: Any) -> list[CheckMessage]:
    """Find home regions that are no countries (E012)."""
    if unknown := sorted(set(conf.HOME_REGIONS) - SUPPORTED_REGIONS):
        text = f"OTP_HOME_REGIONS holds unknown countries: {', '.join(unknown)}."
        return [Error(text, hint="Use the two-letter codes of ISO 3166, for example UZ.", id="otp_app.E012")]
    return []


@register()
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


@register()
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


@register(deploy=True)
def check_production(**_: Any) -> list[CheckMessage]:
    """Find providers that show codes (E010), a clock that can be set (E011), staff by code alone (W007)."""
    errors: list[CheckMessage] = []
    if shown := [entry["ALIAS"] for entry in provider_entries() if entry.get("BACKEND") in LOCAL_PROVIDERS]:
        hint = "Set the three TWILIO_* values, or OTP_PROVIDERS, and leave OTP_OUTBOX_FILE empty."
        text = f"{', '.join(shown)}: this provider shows codes and reaches no phone."
        errors.append(Error(text, hint=hint, id="otp_app.E010"))
    if conf.CLOCK_OFFSET_FILE:
        text = "OTP_CLOCK_OFFSET_FILE is for development and tests only."
        errors.append(Error(text, hint="Leave it empty in production.", id="otp_app.E011"))
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
