"""Check what bounds the bill and what is unanswered: the budget, home networks, and settings that are gone."""

import os
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from .. import phones
from ..conf import LOCAL_PROVIDERS, PREFIX, conf, costs_money, provider_entries
from ..delivery import prices
from ..providers.base import Channel
from .providers import check_providers, check_routes
from .types import register

GONE = (
    *("SENDS_PER_DAY", "SENDS_PER_REGION_DAY", "UNCONVERTED_PER_DAY", "FAILURES_PER_DAY"),
    *("UNCONVERTED_PER_CLIENT_HOUR", "UNCONVERTED_PER_PREFIX_HOUR", "PREFIX_BLOCK", "REGION_BLOCK"),
    *("CONVERSION_LEAST", "CONVERSION_PROOF", "CONVERSION_BLOCK"),
)


@register()
def check_gone(**_: Any) -> list[CheckMessage]:
    """Warn of settings that have no effect any more (W013); the service's are read from the environment."""
    names = [f"{PREFIX}{name}" for name in GONE]
    if not (found := [name for name in names if hasattr(settings, name) or name in os.environ]):
        return []
    hint = (
        "Remove them. Amounts grow with what is answered, from floors such as OTP_UNCONVERTED_PER_REGION_DAY; "
        "OTP_BUDGET_PER_DAY bounds the bill, and OTP_HOME_NETWORKS names those who are no strangers (docs/limits.md)."
    )
    return [checks.Warning(f"Settings without effect: {', '.join(found)}.", hint=hint, id="otp_app.W013")]


@register()
def check_home_networks(**_: Any) -> list[CheckMessage]:
    """Find home networks that are none (E033): each send would fail."""
    hint = 'Write a list of first addresses and bits, as ["84.54.64.0/18", "2a05:45c0::/29"].'
    if not (wrong := [repr(each) for each in conf.HOME_NETWORKS if not _is_network(each)]):
        return []
    return [Error(f"OTP_HOME_NETWORKS holds what is no network: {', '.join(wrong)}.", hint=hint, id="otp_app.E033")]


def _is_network(text: Any) -> bool:
    try:
        return bool(ip_network(str(text)))
    except ValueError:
        return False


@register()
def check_budget(**_: Any) -> list[CheckMessage]:
    """Find a budget that is no ceiling, because a provider of a route has no price (E034)."""
    if not conf.BUDGET_PER_DAY or check_providers() or check_routes() or not (unpriced := sorted(_unpriced())):
        return []
    text = (
        f"OTP_BUDGET_PER_DAY is set, but these providers have no PRICE and would count nothing: {', '.join(unpriced)}."
    )
    hint = 'Give each a PRICE in OTP_PROVIDERS for all its countries, as "0.05"; "0" where a message is free.'
    return [Error(text, hint=hint, id="otp_app.E034")]


def _unpriced() -> set[str]:
    """Return the providers that cost money and lack the price of a country to which a route leads by them."""
    paid = {entry["ALIAS"] for entry in provider_entries() if entry.get("BACKEND") not in LOCAL_PROVIDERS}
    routes = conf.ROUTES or {"*": {Channel.SMS: list(paid)}}
    return {
        alias
        for region in phones.allowed_regions()
        for aliases in routes.get(region, routes.get("*", {})).values()
        for alias in aliases
        if alias in paid and prices.price_of(alias, region, 1) is None
    }


@register(deploy=True)
def check_budget_is_set(**_: Any) -> list[CheckMessage]:
    """Warn that messages cost money and nothing bounds the bill of people who answer them (W014).

    TWILIO_* alone have no price that a budget could count.
    """
    if conf.BUDGET_PER_DAY or not conf.PROVIDERS or not costs_money():
        return []
    text = "OTP_BUDGET_PER_DAY is not set: whoever owns many SIMs and answers each message can run up any bill."
    hint = "Set it to what the messages of a day may cost at most, in OTP_CURRENCY."
    return [checks.Warning(text, hint=hint, id="otp_app.W014")]
