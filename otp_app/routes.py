"""Which providers carry messages to a country, by which channel, in which order: OTP_ROUTES.

A country's own entry replaces the one of ``*`` as a whole. Without any routes, the providers that carry SMS do so
everywhere, in the order of OTP_PROVIDERS; other channels have to be named, for they have prices and traps of their own.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from . import providers
from .conf import conf
from .phones import Phone
from .providers.base import Channel


def channels(phone: Phone) -> list[str]:
    """The channels on offer for a number, the one for who names none first."""
    return channels_of(phone.region)


def channels_of(region: str) -> list[str]:
    """The same for a country."""
    return [channel for channel, named in _route(region).items() if named]


def aliases(phone: Phone, channel: str) -> list[str]:
    """The providers to try, the first one first; none when the channel is not on offer."""
    named = list(_route(phone.region).get(channel, ()))
    return ["file"] if named and conf.OUTBOX_FILE else named


@lru_cache(maxsize=256)
def _route(region: str) -> Mapping[str, Sequence[str]]:
    if not conf.ROUTES:
        named = [alias for alias in providers.aliases() if Channel.SMS in providers.get(alias).channels]
        return {Channel.SMS: named} if named else {}
    return conf.ROUTES.get(region, conf.ROUTES.get("*", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(("OTP_", "TWILIO_")):
        _route.cache_clear()


setting_changed.connect(_forget)
