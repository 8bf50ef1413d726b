"""Which providers may carry a message now: those of its route, without those that are left alone for a while."""

import logging
from collections.abc import Iterator

from . import circuits, handovers, providers, routes, suppressions
from .challenges import Challenge
from .conf import LOCAL_PROVIDERS, provider_entries
from .providers.base import NotAccepted, Provider, Rejected
from .stores import counters

logger = logging.getLogger("otp_app.deliveries")


def usable(challenge: Challenge) -> Iterator[tuple[str, bool]]:
    """The route's providers without those whose circuit is open, and whether this message tries one again. Rejected."""
    aliases = routes.aliases(challenge.phone, challenge.channel)
    refused = suppressions.keys_of(challenge.phone, challenge.channel)
    reported = suppressions.keys_of(challenge.phone, challenge.channel, reported=True)
    keys = [circuits.key_of(alias) for alias in aliases]
    now, counted = counters.read(handovers.database(), [*refused, *reported, *keys])
    until = {key: blocked for key, (_, blocked) in counted.items()}
    if any(until.get(key, 0) > now for key in (*refused, *reported)):
        given_up = handovers.give_up(challenge.id, challenge.sent_at[-1:], "suppressed")
        if given_up and any(until.get(key, 0) > now for key in refused):
            raise Rejected("suppressed")
        return
    for alias, key in zip(aliases, keys, strict=True):
        if circuits.may_carry(alias, now, until.get(key, 0)):
            yield alias, key in until and until[key] > 0


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
