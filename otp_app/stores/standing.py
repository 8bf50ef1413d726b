"""What stands against a phone's next send: read under the lock of that phone, or looked at before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

from ..challenges import Challenge, Counts, Demand, Grant, Limit
from ..keys import phone_key
from ..queries import loaded, run, together
from . import counters, crowds, takes, windows
from . import rows as table
from .crowds import Refused


@dataclass(frozen=True, slots=True)
class Standing:
    counted: crowds.Rows  # what was just taken, by key
    past: list[Challenge]  # the phone's, by strangers or by its devices
    failures: dict[str, int]  # of challenges that are purged, by instant
    now: int
    version: int = 0  # of the phone's row, where that was only looked at; 0: there is none


def look(alias: str, phone: str, device: str) -> Standing:
    """Without a lock. Who writes must see to it that the phone's row still is at that version."""
    parts = [table.of_phone(alias, phone), counters.reading(alias, phone_key(phone))]
    past, ((now, slots, version),) = together(alias, parts)
    return Standing({}, table.past_of(past, device), loaded(slots or {}), now, version or 0)


def lock(alias: str, demand: Demand, phone: str, device: str) -> Standing:
    """Take the limits that few requests share, and wait for whoever else sends to this phone. Refused.

    One statement takes, locks and reads, so it may have read what stood before the lock came: then somebody has
    written the phone's row between the one and the other, its version tells, and the challenges are read again.
    """
    key = phone_key(phone)
    wanted = crowds.own(demand.limits, key)
    parts = [takes.taking(alias, wanted), table.of_phone(alias, phone), counters.version_of(key)]
    counted, past, versions = together(alias, parts)
    rows = crowds.all_of(wanted, takes.taken(counted))
    if connections[alias].vendor == "postgresql" and [version for (version,) in versions] != _before(rows[key].version):
        past = run(alias, parts[1])
    return Standing(rows, table.past_of(past, device), rows[key].slots, rows[key].now)


def require(seen: Standing, limits: Sequence[Limit], *, ledger: bool) -> None:
    """Refused, where one of the phone's own limits is reached; old failures in its ``ledger`` count or do not."""
    own = [limit for limit in limits if limit.counts is not Counts.CROWD]
    failures = seen.failures if ledger else {}
    if any(windows.phone_usage(limit, seen.past, failures, seen.now).wait > 0 for limit in own):
        raise Refused(seen.past)


def granted(
    challenge: Challenge,
    past: list[Challenge],
    limits: Sequence[Limit],
    now: int,
    how: dict[str, Any],
) -> Grant:
    """With the wait to the next send: a later one of this challenge needs no reserve of comparisons."""
    sends = [limit for limit in limits if limit.counts in (Counts.WAITS, Counts.SENDS)]
    longest = windows.longest(windows.phone_usage(limit, past, {}, now) for limit in sends)
    return Grant(challenge, now, -(-longest.wait // 1000) if longest else 0, **how)


def _before(version: int) -> list[int]:
    return [version - 1] if version > 1 else []
