"""The crowd limits of the SQL store: taken all together, judged, and given back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..challenges import Challenge, Charge, Conversion, Counts, Demand, Limit
from ..limits import DAY
from . import windows
from .counters import LEDGER_SPAN
from .reasons import PROOFS
from .takes import Row, Take

Rows = dict[str, Row]


class Refused(Exception):
    """A limit is reached. Which one makes the request wait longest is looked up after the rollback.

    ``past`` are the phone's challenges, where they are known already.
    """

    def __init__(self, past: list[Challenge] | None = None) -> None:
        super().__init__()
        self.past = past


class PoorConversion(Refused):
    """A region is to be blocked."""

    def __init__(self, sends: int, converted: int) -> None:
        super().__init__()
        self.sends = sends
        self.converted = converted


def own(limits: Sequence[Limit], phone: str = "") -> list[Take]:
    """The limits that few requests share, and the lock of the phone with this key."""
    return [_of(limit, None) for limit in crowds(limits) if not limit.shared] + _lock(phone)


def unsuspected(demand: Demand) -> list[Limit]:
    """Its crowd limits; half of those of which more needs a proof of work, where none came with it."""
    limits = crowds(demand.limits)
    if demand.proven:
        return limits
    return [replace(limit, amount=limit.amount // 2) if limit.proof else limit for limit in limits]


def at(limits: Sequence[Limit], now: int) -> list[Take]:
    """All of these, at an instant."""
    return [_of(limit, now) for limit in limits]


def shared(limits: Sequence[Limit], now: int) -> list[Take]:
    """The limits in which all requests meet: what is taken last before a commit, so that nobody waits long."""
    return at([limit for limit in crowds(limits) if limit.shared], now)


def all_of(takes: Sequence[Take], rows: Rows) -> Rows:
    """The rows, if everything was taken. Refused."""
    if len(rows) < len(takes):
        raise Refused
    return rows


def crowds(limits: Sequence[Limit]) -> list[Limit]:
    return [limit for limit in limits if limit.counts is Counts.CROWD]


def look_wrong(limits: Sequence[Limit], conversion: Conversion | None, rows: Rows) -> bool:
    """Whether what was just taken asks for a proof of work; PoorConversion when the region is to be blocked."""
    if conversion:
        since = rows[conversion.sends].blocked_until
        sends, unconverted = (used(rows[key], since) - 1 for key in (conversion.sends, conversion.unconverted))
        fresh = used(rows[conversion.fresh]) - 1
        verdict = windows.judge(conversion, sends, unconverted, fresh)
        if verdict == "block":
            raise PoorConversion(sends, sends - unconverted)
        if verdict == "proof":
            return True
    return any(windows.needs_proof(limit, used(rows[limit.key])) for limit in crowds(limits))


def used(row: Row, since: int = 0) -> int:
    """What counts in a row that was just written: it holds nothing that no longer does.

    A region is judged anew after each block, so ``since`` leaves out what led to the last; then the row is of a day.
    """
    first = since // windows.slot_width(DAY)
    return sum(n for slot, n in row.slots.items() if int(slot) >= first)


def charges(limits: Sequence[Limit], now: int, rows: Rows | None = None, sent_at: int = 0) -> tuple[Charge, ...]:
    """Return what was taken: from the slot that ``rows`` says, or from that of now; by the send of ``sent_at``."""
    slots = {key: row.newest for key, row in (rows or {}).items()}
    return tuple(
        Charge(
            limit.key,
            slots.get(limit.key, now // windows.slot_width(limit.period)),
            limit.cost,
            limit.shared,
            limit.converts,
            sent_at,
        )
        for limit in crowds(limits)
        if limit.name != PROOFS  # work that was done for one request is good for no other, whatever became of it
    )


def charged(challenge: Challenge, limits: Sequence[Limit], rows: Rows | None = None) -> Challenge:
    """With what its last check took, for an approval to give that back; none of it is stored."""
    return replace(challenge, charges=challenge.charges + charges(limits, challenge.checked_at, rows))


def giving_back(given: Sequence[Charge], phone: str = "") -> list[Take]:
    """One row per key, however many sends of the challenge it counted; with the lock of the phone with this key."""
    slots: dict[tuple[str, bool], Counter[int]] = {}
    for charge in given:
        slots.setdefault((charge.key, charge.shared), Counter())[charge.slot] -= charge.cost
    takes = [
        Take(key, windows.SUB_BUCKETS, 1, slot=min(counted), slots=tuple(counted.items()), shared=shared)
        for (key, shared), counted in slots.items()
    ]
    return [*takes, *_lock(phone)]


def _lock(phone: str) -> list[Take]:
    """The row of the phone with this key, if one is meant: who has written it is alone with that phone."""
    return [Take(phone, LEDGER_SPAN, 1, cost=0, lock=True)] if phone else []


def _of(limit: Limit, now: int | None) -> Take:
    width = windows.slot_width(limit.period)
    return Take(
        limit.key,
        windows.SUB_BUCKETS,
        width,
        cost=limit.cost,
        amount=limit.amount,
        slot=None if now is None else now // width,
        shared=limit.shared,
    )
