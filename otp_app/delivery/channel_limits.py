"""Choose the limits of a send by its channel, and offer channels that cost nothing to people whose send is refused.

A channel is free for a number where each provider of its route has the PRICE 0. Its sends need no proof of work and
count in buckets of their own, so whoever abuses it takes nothing from the channels that cost money. The limits of a
phone, which protect its owner, count all channels together.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from typing import Any

from .. import stores
from ..conf import conf
from ..errors import Limited, ProofRequired
from ..keys import counter_key
from ..limits import BUCKETS, TABLE, request_limits
from ..limits.table import PROOFS
from ..limits.values import Limit, RequestLimits, in_lock_order
from ..phones import Phone
from . import routing

_BUCKETS = frozenset(rule.name for rule in TABLE if rule.per in BUCKETS or rule.strangers)
_OF_MONEY = ("budget_per_day", PROOFS)  # a send that costs nothing does not take these


def for_send(phone: Phone, client: str | None, channel: str, **how: Any) -> RequestLimits:
    """Return the limits that a send by this channel takes; ``how`` is as in ``request_limits.for_send``."""
    price = routing.highest_price(phone, channel) if conf.BUDGET_PER_DAY and not phone.is_test else 0
    limits = request_limits.for_send(phone, client, test=phone.is_test, price=price, **how)
    return RequestLimits(_apart(limits.limits)) if routing.is_free(phone, channel) else limits


def _apart(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Return the limits with the buckets of free channels in place of the others."""
    return in_lock_order(
        replace(limit, key=counter_key("free channel", limit.key), proof=False) if limit.name in _BUCKETS else limit
        for limit in limits
        if limit.name not in _OF_MONEY
    )


@contextmanager
def offered_instead(phone: Phone, channel: str, limits: RequestLimits, device: str, *, solves: bool) -> Iterator[None]:
    """Add the free channels that would serve the phone now to a refusal that is raised within this context.

    ``limits`` are those of the refused send, which was by ``channel``. For a client that solves no task raise Limited
    in place of ProofRequired, with the wait until a send needs none.
    """
    try:
        yield
    except (Limited, ProofRequired) as refused:
        error: Limited | ProofRequired = refused
        if isinstance(refused, ProofRequired) and not solves:
            wait = _wait(map(_unproven, limits.limits), phone, device)
            error = Limited(refused.limit, ceil(wait / 1000), subject=refused.subject)
        error.channels = _serving(phone, channel, limits, device)
        raise error from None


def _unproven(limit: Limit) -> Limit:
    """Return the limit that lets through what needs no proof: half of the amount."""
    return replace(limit, amount=limit.amount // 2, growth=limit.growth // 2) if limit.proof else limit


def _serving(phone: Phone, channel: str, limits: RequestLimits, device: str) -> list[str]:
    """Return the free channels beside this one, if their limits would let a send through now."""
    free = [each for each in routing.channels(phone) if routing.is_free(phone, each)]
    if not free or routing.is_free(phone, channel):
        return []
    return [] if _wait(_apart(limits.limits), phone, device) else free


def _wait(limits: Iterable[Limit], phone: Phone, device: str) -> int:
    """Return the milliseconds until these limits let a send through."""
    usages = stores.current().usage(tuple(limits), phone=phone, device=bool(device))
    return max((usage.wait for usage in usages), default=0)
