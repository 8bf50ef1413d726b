"""Why a request was refused: looked up after the rollback, so that it costs only who is refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..challenges import Challenge, Counts, Demand, Limit, Usage
from ..errors import Limited
from ..keys import phone_key
from . import counters, reasons, rows, windows
from .crowds import PoorConversion, Refused


def usage(
    alias: str, limits: Sequence[Limit], phone: str, device: str, past: list[Challenge] | None = None
) -> tuple[int, list[Usage]]:
    """The store's time, and the state of these limits by it."""
    ledger = phone_key(phone, device)
    now, counted = counters.read(alias, [ledger, *(limit.key for limit in limits if limit.key)])
    if past is None:
        past = rows.past(alias, phone, device) if phone else []
    slots, _ = counted.get(ledger, ({}, 0))
    return now, [
        windows.crowd_usage(limit, *counted.get(limit.key, ({}, 0)), now)
        if limit.counts is Counts.CROWD
        else windows.phone_usage(limit, past, slots, now)
        for limit in limits
    ]


@contextmanager
def explained(alias: str, demand: Demand, phone: str = "", device: str = "") -> Iterator[None]:
    """Turns ``Refused`` into what the caller is told, and begins the block that the refusal calls for."""
    try:
        yield
    except Refused as refused:
        now, usages = usage(alias, demand.limits, phone, device, refused.past)
        raise _begin_block(alias, demand, usages, now, refused) or reasons.reason(usages) from None


def _begin_block(alias: str, demand: Demand, usages: list[Usage], now: int, refused: Refused) -> Limited | None:
    """Of many who see the same, one begins the block and is told so."""
    block = None
    if demand.conversion and isinstance(refused, PoorConversion):
        block = reasons.conversion_block(demand.conversion, refused.sends, refused.converted, now)
    elif over := next(filter(reasons.begins_block, usages), None):
        block = reasons.block_of(over, now)
    return reasons.blocked(block) if block and counters.block(alias, block) else None
