"""Arithmetic of the windows: how long until a limit lets one more through. Pure functions on milliseconds."""

from collections.abc import Iterable

from ..challenges import Challenge, Counts, Limit, Status

SUB_BUCKETS = 24  # of a crowd's period; the oldest counts whole: never over, at most 1/24 of the period early
GRACE = 10_000  # milliseconds: more than any transaction of ours takes

Holds = list[tuple[int, int]]  # (until when it counts, how much)


def wait(holds: Holds, now: int, amount: int, cost: int) -> int:
    """Milliseconds until ``cost`` more fit into ``amount``; 0 when they fit now."""
    live = sorted((until, n) for until, n in holds if until > now and n > 0)
    total = sum(n for _, n in live)
    if total + cost <= amount:
        return 0
    for until, n in live:
        total -= n
        if total + cost <= amount:
            return until - now
    return 3_600_000  # more than the limit ever lets through: a mistake of its settings


def slot_width(period: int) -> int:
    """Milliseconds of a crowd's sub-bucket."""
    return period * 1000 // SUB_BUCKETS


def slot_holds(slots: dict[str, int], span: int, width: int) -> Holds:
    """A slot counts until the newest is more than ``span`` ahead of it."""
    return [((int(slot) + span + 1) * width, n) for slot, n in slots.items()]


def refusal(
    limits: Iterable[Limit], past: list[Challenge], ledger: dict[str, int], now: int, checks: int
) -> tuple[Limit, int] | None:
    """The limit on the phone that makes it wait longest, and how long in milliseconds; None when none does.

    ``past`` are the phone's challenges, ``ledger`` its failures of those already purged, ``checks`` the reserve asked.
    """
    waits = [(_phone_wait(limit, past, ledger, now, checks), limit) for limit in limits]
    longest, limit = max(waits, key=lambda pair: pair[0], default=(0, None))
    return (limit, longest) if limit and longest > 0 else None


def _phone_wait(limit: Limit, past: list[Challenge], ledger: dict[str, int], now: int, checks: int) -> int:
    period = limit.period * 1000
    sent = sorted(at for challenge in past for at in challenge.sent_at if at > now - period)
    match limit.counts:
        case Counts.WAITS:
            success = max((c.closed_at for c in past if c.status is Status.APPROVED), default=0)
            return _ladder(limit.steps, [at for at in sent if at > success], now)
        case Counts.SENDS:
            return wait([(at + period, 1) for at in sent], now, limit.amount, 1)
        case Counts.FAILURES:
            holds = [hold for challenge in past for hold in _failures(challenge, period)]
            holds += [(int(at) + period, n) for at, n in ledger.items()]
            return wait(holds, now, limit.amount, checks)
        case _:
            return 0  # crowds: the store takes these by their own rows


def _ladder(steps: tuple[int, ...], sent: list[int], now: int) -> int:
    if not sent or not steps:
        return 0
    return max(0, sent[-1] + steps[min(len(sent), len(steps)) - 1] * 1000 - now)


def _failures(challenge: Challenge, period: int) -> Holds:
    """Failed comparisons count from the last of them; an open challenge also holds its unspent checks until it ends.

    And a little longer: a check that was paid in the last instant may not be committed yet.
    """
    holds = [(challenge.checked_at + period, challenge.failures)]
    if challenge.status is Status.PENDING:
        holds.append((challenge.expires_at + GRACE, challenge.checks_left))
    return holds
