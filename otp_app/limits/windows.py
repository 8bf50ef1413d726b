"""Compute how much of a limit is used and how long the next request waits: pure functions on milliseconds."""

from collections.abc import Iterable
from dataclasses import replace

from ..challenges import Challenge, Status
from ..counters.rings import HOUR_MS, Entries
from .values import Conversion, Counts, Limit, Usage

GRACE_MS = 10_000  # more than any transaction of ours takes


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
        return Usage(limit, len(since), _pause(limit.steps, since, now))
    if limit.counts is Counts.SENDS:
        return _usage(limit, [(at + period, 1) for at in sent], now)
    entries = [entry for challenge in past for entry in _failure_entries(challenge, period)]
    entries += [(at + period, n) for at, n in ledger]
    return _usage(limit, entries, now)


def key_counter_usage(limit: Limit, entries: Entries, blocked_until: int, now: int) -> Usage:
    """Return the usage of a limit that counts a key; a blocked key waits until its block ends."""
    usage = _usage(limit, entries, now)
    blocked = max(0, blocked_until - now)
    return replace(usage, wait=max(usage.wait, blocked), blocked_until=blocked_until if blocked else 0)


def _usage(limit: Limit, entries: Entries, now: int) -> Usage:
    return Usage(limit, sum(n for until, n in entries if until > now), wait(entries, now, limit.amount, limit.cost))


def longest(usages: Iterable[Usage]) -> Usage | None:
    """Return the usage with the longest wait; None if none waits."""
    waiting = [usage for usage in usages if usage.wait > 0]
    return max(waiting, key=lambda usage: usage.wait, default=None)


def needs_proof(limit: Limit, used: int) -> bool:
    """Return whether a key needs a proof of work: more than half of its amount is used."""
    return limit.proof and used * 2 > limit.amount


def judge(conversion: Conversion, sends: int, unconverted: int, fresh: int) -> str:
    """Return ``"block"``, ``"proof"`` or "" for a region; the counts exclude the send that is judged.

    Fresh sends may still succeed, so they count towards a proof of work, which costs a person a second, but not towards
    a block.
    """
    converted, settled = sends - unconverted, sends - fresh
    if settled >= conversion.least and converted * 100 < conversion.block * settled:
        return "block"
    return "proof" if sends >= conversion.least and converted * 100 < conversion.proof * sends else ""


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
