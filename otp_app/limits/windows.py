"""Compute how much of a limit is used and how long the next request waits: pure functions on milliseconds."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..challenges import Challenge, Status
from ..counters.rings import HOUR_MS, Entries
from .values import Counts, Limit, Usage

_SLOTS_OF_DAY = 4  # of seven hours: 21 to 28 hours, so that no bucket needs a second ring
GRACE_MS = 10_000  # more than any transaction of ours takes


class Answered(NamedTuple):
    """Hold how many messages of a bucket a success has followed: within the last day, and within a week."""

    day: int = 0
    week: int = 0


def wait(entries: Entries, now: int, amount: int, cost: int) -> int:
    """Return the milliseconds until ``cost`` more fits into ``amount``; 0 if it fits now."""
    live = sorted((until, n) for until, n in entries if until > now and n > 0)
    total = sum(n for _, n in live)
    if total + cost <= amount:
        return 0
    for until, n in live:
        total -= n
        if total + cost <= amount:
            return until - now
    return HOUR_MS  # cost exceeds amount: a mistake in the settings


def phone_usage(limit: Limit, past: list[Challenge], ledger: Entries, now: int) -> Usage:
    """Return the usage of a limit that counts a phone.

    ``past`` are the phone's challenges of known devices, or those of strangers. ``ledger`` are the failures of purged
    challenges: the instant of the check, and how many.
    """
    period = limit.period * 1000
    sent = sorted(at for challenge in past for at in challenge.sent_at if at > now - period)
    if limit.counts is Counts.WAITS:
        success = max((c.closed_at for c in past if c.status is Status.APPROVED), default=0)
        since = [at for at in sent if at > success]
        return Usage(limit, len(since), _pause(limit.steps, since, now), limit.amount)
    if limit.counts is Counts.SENDS:
        return _usage(limit, [(at + period, 1) for at in sent], now, limit.amount)
    entries = [entry for challenge in past for entry in _failure_entries(challenge, period)]
    entries += [(at + period, n) for at, n in ledger]
    return _usage(limit, entries, now, limit.amount)


def answered(slots: Mapping[int, int], newest: int) -> Answered:
    """Return the answered messages of a bucket from its ring of a week, by sub-bucket of seven hours."""
    day = sum(n for slot, n in slots.items() if slot > newest - _SLOTS_OF_DAY)
    return Answered(day, sum(slots.values()))


def vouches(limit: Limit, week: int) -> bool:
    """Return whether nobody who takes this limit is a stranger."""
    return week >= limit.amount if limit.vouches == "known" else limit.vouches == "young" and week < limit.amount


def amount_in_force(limit: Limit, history: Answered) -> int:
    """Return the floor of a limit and the share that the answered messages of a usual day add to it.

    The usual day is the last one or the average one of the week, whichever is better; a steady limit takes the average.
    So an amount follows growth within a day, and a bad day does not shrink it at once.
    """
    week = history.week if limit.steady else max(7 * history.day, history.week)
    return limit.amount + limit.growth * week // 700


def key_counter_usage(limit: Limit, entries: Entries, history: Answered, now: int) -> Usage:
    """Return the usage of a limit that counts a key, whose bucket has this history."""
    return _usage(limit, entries, now, amount_in_force(limit, history))


def _usage(limit: Limit, entries: Entries, now: int, amount: int) -> Usage:
    used = sum(n for until, n in entries if until > now)
    return Usage(limit, used, wait(entries, now, amount, limit.cost), amount)


def longest(usages: Iterable[Usage]) -> Usage | None:
    """Return the usage with the longest wait; None if none waits."""
    waiting = [usage for usage in usages if usage.wait > 0]
    return max(waiting, key=lambda usage: usage.wait, default=None)


def needs_proof(usage: Usage) -> bool:
    """Return whether a bucket looks wrong enough to ask for a proof of work: more than half of its amount is used."""
    return usage.limit.proof and (usage.used + usage.limit.cost) * 2 > usage.amount


def _pause(steps: tuple[int, ...], sent: list[int], now: int) -> int:
    if not sent or not steps:
        return 0
    return max(0, sent[-1] + steps[min(len(sent), len(steps)) - 1] * 1000 - now)


def _failure_entries(challenge: Challenge, period: int) -> Entries:
    """Return the entries of a challenge's comparisons.

    Failed ones count from the last of them. A pending challenge also reserves its unspent checks until it expires, and
    a little longer, because a check paid in the last instant may not be committed yet.
    """
    entries = [(challenge.checked_at + period, challenge.failures)]
    if challenge.status is Status.PENDING:
        entries.append((challenge.expires_at + GRACE_MS, challenge.checks_left))
    return entries
