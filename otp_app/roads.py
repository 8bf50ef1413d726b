"""Which providers may carry a message now: those of its route, without those that are left alone for a while."""

import logging
from collections.abc import Iterator

from . import circuits, handovers, phones, providers, routes, suppressions
from .challenges import Claim, Grant
from .conf import LOCAL_PROVIDERS, provider_entries
from .phones import Phone
from .providers.base import Channel, NotAccepted, Provider, Rejected
from .stores import counters

logger = logging.getLogger("otp_app.deliveries")

TEST = "test"  # stands for the provider of test numbers


def claims(phone: str, channel: str) -> dict[str, Claim]:
    """Of a send that is handed over as soon as it is committed: who is asked first, if nothing speaks against it."""
    phone = phones.of(phone)
    if phone.is_test:
        return dict.fromkeys([channel] if channel else list(Channel), Claim(TEST))
    channels = [channel] if channel else routes.channels(phone)
    return {each: Claim(_first(phone, each), watched(phone, each)) for each in channels}


def _first(phone: Phone, channel: str) -> str:
    return next(iter(routes.aliases(phone, channel)), "")


def watched(phone: Phone, channel: str) -> tuple[str, ...]:
    """The counters whose blocks say whether the number gets anything, and which providers are left alone."""
    number = _suppressions(phone, channel)
    return (*number[0], *number[1], *(circuits.key_of(alias) for alias in routes.aliases(phone, channel)))


def usable(grant: Grant) -> Iterator[tuple[str, bool]]:
    """The route's providers without those whose circuit is open, and whether this message tries one again. Rejected."""
    challenge, phone = grant.challenge, phones.of(grant.challenge.phone)
    now, until = grant.now, grant.draft.blocked if grant.draft else _blocks(phone, challenge.channel)
    refused, reported = _suppressions(phone, challenge.channel)
    if any(until.get(key, 0) > now for key in (*refused, *reported)):
        handovers.begin(grant)
        given_up = handovers.give_up(challenge.id, challenge.sent_at[-1:], "suppressed", ours=bool(grant.draft))
        if given_up and any(until.get(key, 0) > now for key in refused):
            raise Rejected("suppressed")
        return
    for alias in routes.aliases(phone, challenge.channel):
        blocked_until = until.get(circuits.key_of(alias), 0)
        if circuits.may_carry(alias, now, blocked_until):
            yield alias, blocked_until > 0


def _suppressions(phone: str, channel: str) -> tuple[list[str], list[str]]:
    """By a provider's refusal, and by a report."""
    return suppressions.keys_of(phone, channel), suppressions.keys_of(phone, channel, reported=True)


def _blocks(phone: Phone, channel: str) -> dict[str, int]:
    return counters.blocks(handovers.database(), watched(phone, channel))


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
