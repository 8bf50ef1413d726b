"""Check providers and routes: each name exists, and each send can be followed."""

import inspect
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS

from ..conf import conf, provider_entries
from ..delivery import prices
from ..providers.base import Channel
from .types import register

MAX_ALIAS_CHARACTERS = 32


@register()
def check_providers(**_: Any) -> list[CheckMessage]:
    """Find a provider without alias or path, or a repeated alias (E013), and a path not importable (E003).

    E020 options that its class does not take; E021 a PRICE that is none.
    """
    entries = list(conf.PROVIDERS)
    if not all(isinstance(entry.get(name), str) for entry in entries for name in ("ALIAS", "BACKEND")):
        text = 'OTP_PROVIDERS: each entry needs "ALIAS" and "BACKEND" (a dotted path).'
        hint = "Give each a name of yours and the path of its class: docs/providers has an entry for each provider."
        return [Error(text, hint=hint, id="otp_app.E013")]
    names = [entry["ALIAS"] for entry in entries]
    if len(set(names)) < len(names) or not all(_is_alias(name) for name in names):
        allowed = f"1 to {MAX_ALIAS_CHARACTERS} letters a-z, digits, - and _"
        text = f"OTP_PROVIDERS: an ALIAS is used twice or is not made of {allowed}."
        return [Error(text, hint="Give each provider an ALIAS of its own.", id="otp_app.E013")]
    return [problem for entry in entries for problem in _wrong_entry(entry)]


def _is_alias(name: str) -> bool:
    """Return whether the alias is valid in the address of the webhook."""
    return 0 < len(name) <= MAX_ALIAS_CHARACTERS and name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _wrong_entry(entry: Mapping[str, Any]) -> Iterator[CheckMessage]:
    alias, path = entry["ALIAS"], entry["BACKEND"]
    try:
        inspect.signature(import_string(path)).bind(**entry.get("OPTIONS", {}))
    except ImportError as error:
        hint = "Correct the dotted path, or install the package that it is in."
        yield Error(f"OTP_PROVIDERS: {path!r} cannot be imported: {error}", hint=hint, id="otp_app.E003")
    except TypeError as error:
        hint = "Give the options that the provider's page in docs/providers has, and no others."
        yield Error(f"OTP_PROVIDERS: OPTIONS of {alias!r} do not fit: {error}.", hint=hint, id="otp_app.E020")
    price = entry.get("PRICE")
    if not all(map(is_price, price.values() if isinstance(price, Mapping) else [price])):
        hint = 'Set a number, as "0.0055", or one for each country, as {"UZ": "0.0055", "*": "0.08"}.'
        yield Error(
            f"OTP_PROVIDERS: PRICE of {alias!r} is not an amount of money from 0 to below {prices.MAX_SEGMENT_PRICE}.",
            hint=hint,
            id="otp_app.E021",
        )


def is_price(value: Any) -> bool:
    """Return whether a value is an amount of money for a PRICE, or None."""
    try:
        return value is None or 0 <= Decimal(str(value)) < prices.MAX_SEGMENT_PRICE
    except InvalidOperation:
        return False


@register()
def check_routes(**_: Any) -> list[CheckMessage]:
    """Find a route with an unknown country, channel or provider, or one that lacks the channel (E022)."""
    hint = 'Write countries, channels and aliases of OTP_PROVIDERS, as {"UZ": {"sms": ["eskiz", "twilio"]}}.'
    return [Error(f"OTP_ROUTES: {text}", hint=hint, id="otp_app.E022") for text in _wrong_routes()]


def _wrong_routes() -> Iterator[str]:
    routes: Mapping[str, Any] = conf.ROUTES
    for region, route in routes.items():
        if region != "*" and region not in SUPPORTED_REGIONS:
            yield f"{region!r} is no country: write its two letters of ISO 3166, as UZ, or * for all others."
        for channel, aliases in route.items():
            if channel not in set(Channel):
                yield f"{channel!r} is no channel; there are {', '.join(Channel)}."
            elif not aliases:
                yield f"{region} {channel} names no alias."
            else:
                yield from _wrong_aliases(channel, aliases)


def _wrong_aliases(channel: str, aliases: Any) -> Iterator[str]:
    known = {entry["ALIAS"]: entry["BACKEND"] for entry in conf.PROVIDERS}
    for alias in aliases:
        if alias not in known:
            yield f"{alias!r} is not in OTP_PROVIDERS."
        elif channel not in _channels(known[alias]):
            yield f"{alias!r} does not serve the channel {channel!r}."


def _channels(path: str) -> frozenset[str]:
    try:
        found: frozenset[str] = import_string(path).channels
    except (ImportError, AttributeError):  # is said by E003, or it is no provider of ours
        return frozenset(Channel)
    return found


@register()
def check_unreachable(**_: Any) -> list[CheckMessage]:
    """Require a provider that carries SMS if there are no routes (E023)."""
    classes = [_channels(str(entry.get("BACKEND", ""))) for entry in provider_entries()]
    if conf.ROUTES or any(Channel.SMS in channels for channels in classes):
        return []
    hint = 'Name who carries what, for example OTP_ROUTES = {"*": {"telegram": ["telegram"]}}.'
    return [Error("No provider carries SMS, and OTP_ROUTES is empty.", hint=hint, id="otp_app.E023")]


@register(deploy=True)
def check_public_url(**_: Any) -> list[CheckMessage]:
    """Warn of reports that would travel unencrypted, some with a secret in their address (W004)."""
    if not conf.PUBLIC_URL or conf.PUBLIC_URL.startswith("https://"):
        return []
    text = "OTP_PUBLIC_URL does not begin with https://: delivery reports and their secrets would travel unencrypted."
    hint = "Set it to the public address of this service, as https://login.example.com, or leave it empty."
    return [checks.Warning(text, hint=hint, id="otp_app.W004")]
