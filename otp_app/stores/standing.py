"""What stands against a phone's next send, read under the lock of that phone."""

from dataclasses import dataclass

from django.db import connections

from ..challenges import Challenge, Demand
from ..keys import phone_key
from ..queries import run, together
from . import counters, crowds
from . import rows as table


@dataclass(frozen=True, slots=True)
class Standing:
    counted: crowds.Rows  # what was just taken, by key
    past: list[Challenge]  # the phone's, by strangers or by its devices
    failures: dict[str, int]  # of challenges that are purged, by instant
    now: int


def lock(alias: str, demand: Demand, phone: str, device: str) -> Standing:
    """Take the limits that few requests share, and wait for whoever else sends to this phone. Refused.

    One statement takes, locks and reads, so it may have read what stood before the lock came: then somebody has
    written the phone's row between the one and the other, its version tells, and the challenges are read again.
    """
    key = phone_key(phone)
    takes = crowds.own(demand.limits, key)
    parts = [counters.taking(alias, takes), table.of_phone(alias, phone), counters.version_of(key)]
    counted, past, versions = together(alias, parts)
    rows = crowds.all_of(takes, counters.taken(counted))
    if connections[alias].vendor == "postgresql" and [version for (version,) in versions] != _before(rows[key].version):
        past = run(alias, parts[1])
    return Standing(rows, table.past_of(past, device), rows[key].slots, rows[key].now)


def _before(version: int) -> list[int]:
    return [version - 1] if version > 1 else []
