"""Explain for ``otp_limits`` what a send by a stranger would meet: each bucket, what it has, and the verdict."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import ceil

from .. import phones, rulings, stores
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..delivery import channel_limits
from ..limits import TABLE, windows
from ..limits.table import MONEY_UNITS
from ..limits.values import Counts, Usage
from ..models import BlockRow
from ..phones import Phone
from .tables import duration

_WHAT = {rule.name: rule.what for rule in TABLE}


def explain(phone: Phone, client: str) -> Iterator[str]:
    """Yield a line for each limit of a send to ``phone`` by ``client``, and the verdict. Nothing is taken."""
    taken = channel_limits.for_send(phone, client, "", checks=policy_for(LOGIN).checks)
    concerning = rulings.concerning(phone, client)
    usages = stores.current().usage(rulings.held_open(taken, concerning).limits, phone=phone)
    yield f"A first send to {phones.mask(phone)} by {client}, whose device is not known:"
    for row in concerning:
        yield _ruling(row)
    answered = {usage.limit.key: usage.used for usage in usages if usage.limit.counts is Counts.ANSWERED}
    known = any(windows.vouches(usage.limit, usage.used) for usage in usages)
    for usage in usages:
        if usage.limit.counts is Counts.ANSWERED:
            continue
        if usage.limit.strangers and known:
            yield f"{_bucket(usage)}: this client is none, because people sign in there or the country is young."
        else:
            yield _line(usage, answered.get(usage.limit.key, 0))
    shut = any(row.mode == BlockRow.Mode.SHUT for row in concerning)
    yield f"Verdict: {'refused by hand.' if shut else _verdict(usages)}"


def _ruling(row: BlockRow) -> str:
    until = "" if row.until is None else f" until {datetime.fromtimestamp(row.until / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    return f"By hand: {row} is {row.get_mode_display()}{until}: {row.reason or 'no reason given'}."


def _bucket(usage: Usage) -> str:
    subject = usage.limit.subject
    return "everybody" if subject == "all all" else phones.mask_subject(subject) or "phone"


def _line(usage: Usage, answered: int) -> str:
    limit = usage.limit
    wait = duration(ceil(usage.wait / 1000))
    if limit.counts is Counts.WAITS:
        return f"phone: {wait} to wait after the send before."
    free = f" Free again in {wait}." if usage.wait else ""
    used = f"{usage.used} of {usage.amount} {_WHAT.get(limit.name, limit.name)}"
    if limit.name == "budget_per_day":
        used = f"{usage.used / MONEY_UNITS:g} of {usage.amount / MONEY_UNITS:g} {conf.CURRENCY}"
    grown = f"floor {limit.amount} + {usage.amount - limit.amount} earned: {answered} answered in 7 days"
    earned = f" ({grown})" if limit.growth else ""
    return f"{_bucket(usage)}: {used} in {duration(limit.period)}{earned}.{free}"


def _verdict(usages: Sequence[Usage]) -> str:
    """Say what the store would decide: refused, a proof of work, or sent."""
    if longest := windows.longest(usages):
        wait = duration(ceil(longest.wait / 1000))
        return f"refused by {longest.limit.name} of {_bucket(longest)}, for {wait}."
    if asking := next((usage for usage in usages if windows.needs_proof(usage)), None):
        return (
            f"a proof of work is asked for, because more than half of {asking.limit.name} of {_bucket(asking)} is used."
        )
    return "sent."
