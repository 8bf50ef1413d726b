"""What most requests come to on PostgreSQL, written by one statement that commits itself.

A transaction of several statements holds its locks while their answers travel and are thought about, those of the
counters in which all requests meet among them, and everybody else waits. Here nothing is locked by then: a phone is
looked at, and the statement that writes does nothing if the phone's row was written since. It locks that row first,
then the counters that few requests share, by key, those in which all meet, and challenges.

None or False leaves a request to the transactions of :mod:`.sql`, which say why: somebody else was there, a limit is
reached, a crowd looks wrong, or it is not PostgreSQL. Then nothing is written, not for an instant: what a refused
request took for a while would refuse others, and begin blocks.
"""

import time
from collections.abc import Sequence

from ..challenges import Challenge, Claiming, Conversion, Demand, Grant, Limit
from ..keys import phone_key
from ..queries import Condition, Part, all_or_nothing, count_of, may_combine, required, short
from . import counters, crowds, outbox, refusals, standing, takes
from . import rows as table

_DOUBT = 60  # seconds in which who takes a counter that is full or looks wrong goes the other way at once
_MOST_DOUBTS = 10_000  # counters, some 2 MB; then all is forgotten, which costs each of them one detour
_doubts: dict[str, float] = {}  # when they end, by the key of the counter

# What the first part of a statement wrote: the phone's row, or nothing, and then neither do the others.
_LOCKED, _NOTHING = count_of(0, 1), count_of(0, 0)

# Of what was taken just now: the region was never blocked, and has enough successes for its sends before this one.
_REGION_IS_FINE = short("""
(SELECT b = 0 AND (s - 1 < {least} OR (s - u) * 100 >= {percent} * (s - 1)) FROM (
    SELECT MAX(c4) FILTER (WHERE c0 = %s) AS b, SUM(n) FILTER (WHERE c0 = %s) AS s, SUM(n) FILTER (WHERE c0 = %s) AS u
    FROM (SELECT c0, c4, CAST(value AS integer) AS n FROM p1, jsonb_each_text(c1)) AS held
) AS region)
""")


def open_one(alias: str, challenge: Challenge, demand: Demand, claiming: Claiming | None) -> Grant | None:
    """Refused, where the phone's own limits do."""
    if not may_combine(alias) or _doubtful(demand):
        return None
    seen = standing.look(alias, challenge.phone, challenge.device)
    standing.require(seen, demand.limits, ledger=not challenge.device)
    opened = challenge.opened(seen.now, crowds.charges(demand.limits, seen.now, sent_at=seen.now))
    claim = outbox.claim_of(opened, claiming)
    row = outbox.row_of(opened, claim, seen.now)
    limits = crowds.unsuspected(demand)
    alone = takes.locking(alias, phone_key(opened.phone), Condition("%s", [seen.version]))
    counting = takes.taking(alias, crowds.at(limits, seen.now), _LOCKED, told=False)
    writing = [table.inserting(alias, opened, _LOCKED), *outbox.queueing(alias, row, claim, _LOCKED)]
    answers = all_or_nothing(alias, [alone, counting, _unsuspected(demand, len(limits)), *writing])
    if answers is None:
        _doubt(alias, demand, limits)
    if not answers or not answers[0]:
        return None
    _, _, _, *queued = answers
    how = {"claim": claim, "blocked": outbox.blocked(queued), "row": row}
    return standing.granted(opened, [*seen.past, opened], demand.limits, seen.now, how)


def spend_check(alias: str, which: Condition, demand: Demand, *, by_phone: bool) -> Challenge | None:
    """Nothing is taken where there is no such challenge."""
    if not may_combine(alias) or _doubtful(demand):
        return None
    limits = crowds.crowds(demand.limits)
    counting = takes.taking(alias, crowds.own(limits), table.exists(which))
    all_taken = count_of(0, len(limits))
    spending = table.spending_check(alias, which, by_phone=by_phone, only=all_taken)
    both = required(Condition(f"{_NOTHING.sql} OR ({all_taken.sql} AND {count_of(1, 1).sql})"))
    answers = all_or_nothing(alias, [counting, spending, both])
    if answers is None:
        _doubt(alias, demand, limits)
    if not answers or not answers[1]:
        return None
    return crowds.charged(table.challenge_of(answers[1][0]), demand.limits, takes.taken(answers[0]))


def approve(alias: str, challenge: Challenge) -> bool:
    """Nothing is given back where it is pending no more."""
    if not may_combine(alias):
        return False
    key = phone_key(challenge.phone)
    alone = takes.locking(alias, key, counters.current_version(key), table.pending(challenge))
    counting = takes.taking(alias, crowds.giving_back(challenge.given_back()), _LOCKED, told=False)
    approving = table.approving(alias, challenge, _LOCKED)
    it = Condition(f"{_NOTHING.sql} OR EXISTS (SELECT 1 FROM p2 WHERE p2.c0 = %s)", [challenge.id])
    answers = all_or_nothing(alias, [alone, counting, approving, required(it)])
    return bool(answers and answers[0])


def forget() -> None:
    """All doubts."""
    _doubts.clear()


def _unsuspected(demand: Demand, count: int) -> Part:
    """That so many were taken, if the phone was locked, and that the region does not look wrong by what it holds."""
    fine, params = count_of(1, count).sql, list[str]()
    if demand.conversion and (percent := _percent(demand.conversion, proven=demand.proven)):
        fine += f" AND {_REGION_IS_FINE.format(least=demand.conversion.least, percent=percent)}"
        params = [demand.conversion.sends, demand.conversion.sends, demand.conversion.unconverted]
    return required(Condition(f"{_NOTHING.sql} OR ({fine})", params))


def _percent(conversion: Conversion, *, proven: bool) -> int:
    """How many of a hundred sends must have been followed by a success; as strict as both verdicts are."""
    return max(conversion.block, 0 if proven else conversion.proof)


def _doubtful(demand: Demand) -> bool:
    now = time.monotonic()
    return bool(_doubts) and any(_doubts.get(limit.key, 0) > now for limit in demand.limits)


def _doubt(alias: str, demand: Demand, limits: Sequence[Limit]) -> None:
    """The counters that have no room, else the region."""
    _, usages = refusals.usage(alias, limits, "", "")
    full = [usage.limit.key for usage in usages if usage.wait > 0]
    keys = full or ([demand.conversion.sends] if demand.conversion else [])
    if len(_doubts) + len(keys) > _MOST_DOUBTS:
        forget()
    _doubts.update(dict.fromkeys(keys, time.monotonic() + _DOUBT))
