"""Which providers may carry a message now: those of its route, without those that are left alone for a while."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from .. import counters, phones, providers
from ..challenges import Claim, Grant
from ..conf import LOCAL_PROVIDERS, conf, provider_entries
from ..phones import Phone
from ..providers.base import Channel, NotAccepted, Provider, Rejected
from . import circuit_breaker, records, suppressions

logger = logging.getLogger("otp_app.deliveries")

TEST = "test"  # stands for the provider of test numbers


def claims(phone: str, channel: str) -> dict[str, Claim]:
    """Of a send that is handed over as soon as it is committed: who is asked first, if nothing speaks against it."""
    phone = phones.of(phone)
    if phone.is_test:
        return dict.fromkeys([channel] if channel else list(Channel), Claim(TEST))
    offered = [channel] if channel else channels(phone)
    return {each: Claim(_first(phone, each), watched(phone, each)) for each in offered}


def _first(phone: Phone, channel: str) -> str:
    return next(iter(aliases(phone, channel)), "")


def watched(phone: Phone, channel: str) -> tuple[str, ...]:
    """The counters whose blocks say whether the number gets anything, and which providers are left alone."""
    number = _suppressions(phone, channel)
    return (*number[0], *number[1], *(circuit_breaker.key_of(alias) for alias in aliases(phone, channel)))


def usable(grant: Grant) -> Iterator[tuple[str, bool]]:
    """The route's providers without those whose circuit is open, and whether this message tries one again. Rejected."""
    challenge, phone = grant.challenge, phones.of(grant.challenge.phone)
    now, until = grant.now, grant.claimed.blocked if grant.claimed else _blocks(phone, challenge.channel)
    refused, reported = _suppressions(phone, challenge.channel)
    if any(until.get(key, 0) > now for key in (*refused, *reported)):
        records.begin(grant)
        given_up = records.give_up(challenge.id, challenge.sent_at[-1:], "suppressed", ours=bool(grant.claimed))
        if given_up and any(until.get(key, 0) > now for key in refused):
            raise Rejected("suppressed")
        return
    for alias in aliases(phone, challenge.channel):
        blocked_until = until.get(circuit_breaker.key_of(alias), 0)
        if circuit_breaker.may_carry(alias, now, blocked_until):
            yield alias, blocked_until > 0


def _suppressions(phone: str, channel: str) -> tuple[list[str], list[str]]:
    """By a provider's refusal, and by a report."""
    return suppressions.keys_of(phone, channel), suppressions.keys_of(phone, channel, reported=True)


def _blocks(phone: Phone, channel: str) -> dict[str, int]:
    return counters.blocks(records.database(), watched(phone, channel))


def provider_of(alias: str) -> Provider:
    """NotAccepted when it cannot be made."""
    try:
        return providers.get(alias)
    except Exception as error:  # noqa: BLE001
        # Whatever is wrong with its settings, it has carried nothing. A text may quote them, and with them a secret.
        logger.error("provider %s cannot be made: %s", alias, type(error).__name__)  # noqa: TRY400
        raise NotAccepted("misconfigured") from None


def is_local(alias: str) -> bool:
    """Whether it reaches no phone, and so no network."""
    return any(entry["ALIAS"] == alias and entry["BACKEND"] in LOCAL_PROVIDERS for entry in provider_entries())


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
