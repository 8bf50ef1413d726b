"""Apply the rulings of operators to a send."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import ceil
from typing import TypeVar

from .. import audit
from ..db import clock
from ..errors import Limited, ProofRequired
from ..limits import BUCKETS
from ..limits.values import Counts, Limit, RequestLimits
from ..models import BlockRow
from ..phones import Phone
from .kept import concerning

_DAY = 24 * 3600
_BUCKETS = (*BUCKETS, "strangers")
_BEYOND_ANY = 2**40
Answer = TypeVar("Answer")


def decide(
    phone: Phone,
    client: str | None,
    taken: RequestLimits,
    ask: Callable[[RequestLimits], Answer],
    *,
    device: bool = False,
) -> Answer:
    """Ask the store for a send, under the limits as the rulings change them, and return its answer.

    Raise Limited for who is shut, before the store is asked. A known ``device`` is refused by nothing but its phone's
    own block. What the buckets of a watched region would refuse is recorded and served.
    """
    rulings = concerning(phone, client)
    _refuse_shut(rulings, device=device)
    taken = held_open(taken, rulings)
    try:
        return ask(taken)
    except (Limited, ProofRequired) as refused:
        watched = any(row.mode == BlockRow.Mode.WATCH for row in rulings)
        if not watched or _kind(refused.subject) not in _BUCKETS:
            raise
        audit.record_watched(refused, phone, client)
    return ask(_counted_only(taken))


def held_open(taken: RequestLimits, rulings: Iterable[BlockRow]) -> RequestLimits:
    """Return the limits with the amounts of the buckets that are held open, the narrowest ruling of a kind counting.

    Who asks from a network that is held open is no stranger.
    """
    amounts = {_kind(row.subject): row.amount for row in rulings if row.mode == BlockRow.Mode.OPEN}
    if not amounts:
        return taken
    if "network" in amounts:
        amounts["subnet"] = amounts["network"]
    limits = [limit for limit in taken.limits if not (limit.strangers and "network" in amounts)]
    return replace(taken, limits=tuple(_with_amount(limit, amounts.get(_kind(limit.subject))) for limit in limits))


def _refuse_shut(rulings: Iterable[BlockRow], *, device: bool) -> None:
    """Raise Limited with the longest block; that of a phone alone concerns its known devices."""
    shut = [row for row in rulings if row.mode == BlockRow.Mode.SHUT]
    if device:
        shut = [row for row in shut if _kind(row.subject) == "phone"]
    if shut:
        now = clock.milliseconds()
        waits = {row.subject: _DAY if row.until is None else ceil((row.until - now) / 1000) for row in shut}
        longest = max(waits, key=waits.__getitem__)
        raise Limited(audit.BLOCKED, waits[longest], subject=longest)


def _counted_only(taken: RequestLimits) -> RequestLimits:
    """Return the limits with buckets that count what is taken, but refuse nothing."""
    return replace(
        taken,
        limits=tuple(
            _with_amount(limit, _BEYOND_ANY) if _kind(limit.subject) in _BUCKETS else limit for limit in taken.limits
        ),
    )


def _with_amount(limit: Limit, amount: int | None) -> Limit:
    """Return a bucket's limit with another amount; what counts answered messages has none."""
    return limit if amount is None or limit.counts is not Counts.KEY else replace(limit, amount=amount)


def _kind(subject: str) -> str:
    return subject.partition(" ")[0]
