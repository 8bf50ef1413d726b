"""Choose the providers for a message: those of its route, without those whose circuit is open."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from .. import counters, phones, providers
from ..challenges import Claim, Grant
from ..conf import LOCAL_PROVIDERS, conf, provider_entries
from ..errors import ChannelNotOffered, RegionNotAllowed
from ..phones import Phone
from ..providers.base import Channel, NotAccepted, Provider, Rejected
from . import circuit_breaker, records, suppressions
from .prices import price_of

logger = logging.getLogger("otp_app.deliveries")

TEST_PROVIDER = "test"  # stands for the provider of test numbers
NO_PROVIDER = "withheld"  # stands for the provider of messages that are withheld
UNREAL_PROVIDERS = (TEST_PROVIDER, NO_PROVIDER)


def claims(phone: str, channel: str, *, withheld: bool = False) -> dict[str, Claim]:
    """Return a claim for each channel of a send that is delivered as soon as it is committed.

    A claim names the first provider and the keys of the blocks that would forbid it. Without ``channel`` each channel
    on offer has a claim. One that is ``withheld`` names no provider.
    """
    phone = phones.as_phone(phone)
    if phone.is_test:
        return dict.fromkeys([channel] if channel else list(Channel), Claim(TEST_PROVIDER))
    offered = [channel] if channel else channels(phone)
    # One that is withheld takes the same work, for its time must not tell it apart.
    return {each: Claim(NO_PROVIDER if withheld else _first(phone, each), block_keys(phone, each)) for each in offered}


def _first(phone: Phone, channel: str) -> str:
    return next(iter(aliases(phone, channel)), "")


def block_keys(phone: Phone, channel: str) -> tuple[str, ...]:
    """Return the keys of the blocks that suppress the phone or open the circuit of a provider of the route."""
    rejected, reported = _suppression_keys(phone, channel)
    return (*rejected, *reported, *(circuit_breaker.key_of(alias) for alias in aliases(phone, channel)))


def usable(grant: Grant) -> Iterator[tuple[str, bool]]:
    """Yield the route's providers whose circuit lets the message through, each with whether the message tests it.

    Raises Rejected, and gives the send up, when the phone is suppressed because a provider rejected it. Yields nothing,
    and gives the send up, when a report is the reason: the requester is not to notice.
    """
    challenge, phone = grant.challenge, phones.as_phone(grant.challenge.phone)
    now, until = grant.now, grant.claimed.blocked if grant.claimed else _blocks(phone, challenge.channel)
    rejected, reported = _suppression_keys(phone, challenge.channel)
    if any(until.get(key, 0) > now for key in (*rejected, *reported)):
        records.insert_claimed(grant)
        given_up = records.give_up(challenge.id, challenge.sent_at[-1:], "suppressed", ours=bool(grant.claimed))
        if given_up and any(until.get(key, 0) > now for key in rejected):
            raise Rejected("suppressed")
        return
    for alias in aliases(phone, challenge.channel):
        blocked_until = until.get(circuit_breaker.key_of(alias), 0)
        if circuit_breaker.may_carry(alias, now, blocked_until):
            yield alias, blocked_until > 0


def highest_price(phone: Phone, channel: str) -> Decimal:
    """Return what a message may cost at most, in OTP_CURRENCY: the highest price of the providers of its route."""
    offered = [channel] if channel else channels(phone)
    prices = (price_of(alias, phone.region, 1) for each in offered for alias in _route(phone.region).get(each, ()))
    return max((price for price in prices if price), default=Decimal(0))


def is_free(phone: Phone, channel: str) -> bool:
    """Tell whether a send costs nothing: each provider of the route (without ``channel``: of all) has the PRICE 0.

    A provider without a PRICE may cost anything. A test number gets no message, so it has no free channel either.
    """
    return not phone.is_test and _is_free(phone.region, channel)


@lru_cache(maxsize=1024)
def _is_free(region: str, channel: str) -> bool:
    routes = [_route(region).get(each, ()) for each in ([channel] if channel else channels_of(region))]
    return bool(routes) and all(named and all(price_of(alias, region, 1) == 0 for alias in named) for named in routes)


def _suppression_keys(phone: str, channel: str) -> tuple[list[str], list[str]]:
    """Return the keys of suppressions after a provider's rejection, and of those after a report."""
    return suppressions.keys_of(phone, channel), suppressions.keys_of(phone, channel, reported=True)


def _blocks(phone: Phone, channel: str) -> dict[str, int]:
    return counters.blocks(counters.database(), block_keys(phone, channel))


def provider_of(alias: str) -> Provider:
    """Return the provider of an alias; raise NotAccepted when its settings do not allow to make it."""
    try:
        return providers.get(alias)
    except Exception as error:  # noqa: BLE001
        # Whatever is wrong with its settings, no message has left. Only the type is logged: a text may quote a secret.
        logger.error("provider %s cannot be made: %s", alias, type(error).__name__)  # noqa: TRY400
        raise NotAccepted("misconfigured") from None


def is_local(alias: str) -> bool:
    """Tell whether a provider only shows messages on this machine, without the network."""
    return any(entry["ALIAS"] == alias and entry["BACKEND"] in LOCAL_PROVIDERS for entry in provider_entries())


def channels(phone: Phone) -> list[str]:
    """Return the channels on offer for a phone, the default one first."""
    return channels_of(phone.region)


def offered_channel(phone: Phone, channel: str, *, first: bool) -> str:
    """Return the channel of a send, or "" for that of the send before.

    Raise RegionNotAllowed or ChannelNotOffered if the routes do not offer it.
    """
    # A test number gets no message, so it needs no route: where its country has none it may take any channel.
    offered = channels(phone) or (list(Channel) if phone.is_test else [])
    if not offered:
        raise RegionNotAllowed
    if channel and channel not in offered:
        raise ChannelNotOffered
    return channel or (offered[0] if first else "")


def channels_of(region: str) -> list[str]:
    """Return the channels on offer for a region, the default one first."""
    return [channel for channel, named in _route(region).items() if named]


def aliases(phone: Phone, channel: str) -> list[str]:
    """Return the aliases of the route's providers, in order; none when the channel is not on offer."""
    named = list(_route(phone.region).get(channel, ()))
    return ["file"] if named and conf.OUTBOX_FILE else named


@lru_cache(maxsize=256)
def _route(region: str) -> Mapping[str, Sequence[str]]:
    if not conf.ROUTES:
        named = [alias for alias in providers.aliases() if Channel.SMS in providers.get(alias).channels]
        return {Channel.SMS: named} if named else {}
    return conf.ROUTES.get(region, conf.ROUTES.get("*", {}))


def _clear_routes(*, setting: str, **_: Any) -> None:
    if setting.startswith(("OTP_", "TWILIO_")):
        _route.cache_clear()
        _is_free.cache_clear()


setting_changed.connect(_clear_routes)
