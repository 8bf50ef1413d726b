"""What outlasts a Redis that forgets: it is in the database, most of it with the deliveries that are there anyway.

After a flush, or when another server has taken over, the limits of a day and of thirty days go on from here: of each
phone its sends and failed checks, of a region and of all the sends, and the blocks. Counts of an hour begin anew, and
so does the conversion of a region. What is not known exactly is put so high and so late that no cap is exceeded. Two
kinds of sends do not count: those that were under way when Redis forgot, for their rows come with their ends, and those
that surely reached nobody, also where the number was at fault.
"""

from collections import Counter as Tally
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q

from ..challenges import Challenge
from ..conf import conf
from ..keys import ledger_id, phone_key
from ..models import BlockRow, Counter, Delivery
from ..transactions import durable
from . import counters, rows, windows
from .counters import LEDGER_SPAN
from .takes import Take, take

_DAY = 24 * 3600
_UNDONE = Q(status=Delivery.State.FAILED, segments=0)  # no provider accepted it: what it took was given back
_WIDTH = windows.slot_width(_DAY)

Slots = dict[int, int]


def remember_failure(alias: str, challenge: Challenge) -> None:
    """In the row where the SQL store keeps the failures of a phone, by the instant of the check."""
    key = phone_key(challenge.phone, challenge.device)
    with durable(alias):
        take(alias, [Take(key, LEDGER_SPAN, 1, slot=challenge.checked_at, cost=1)])


def of_phone(alias: str, phone: str, now: int) -> dict[str, Any]:
    """The sends and failed checks of a phone, by strangers and by its devices, as the scripts write them."""
    keys = {"s": phone_key(phone), "d": phone_key(phone, "any")}
    sent = Delivery.objects.using(alias).filter(phone__in=keys.values(), sent_at__gt=now - _DAY * 1000)
    sends: dict[str, list[int]] = {}
    for key, at in sent.exclude(_UNDONE).values_list("phone", "sent_at").distinct():
        sends.setdefault(key.hex if key else "", []).append(at)
    _, kept = counters.read(alias, list(keys.values()))
    failed = {lane: dict(kept.get(key, ({}, 0))[0]) for lane, key in keys.items()}
    for lane, slots in failed.items():  # and of challenges from before the project went over to Redis
        past = rows.past(alias, phone, "" if lane == "s" else "any")
        slots.update({str(challenge.checked_at): challenge.failures for challenge in past if challenge.failures})
    return {lane: {"s": sends.get(key, []), "f": failed[lane]} for lane, key in keys.items()}


def of_crowds(alias: str, now: int) -> dict[str, Any]:
    """The counters and blocks to begin with; ``complete`` when there is nothing to remember of any phone either."""
    blocks = BlockRow.objects.using(alias).filter(until__gt=now, lifted_at=None).order_by("until")
    return {
        "counters": {
            key: {"width": _WIDTH, "slots": {str(slot): n for slot, n in slots.items()}}
            for key, slots in _counters(alias, now).items()
        },
        "blocks": _held(alias, now) | {key.hex: until for key, until in blocks.values_list("key", "until")},
        "complete": not Delivery.objects.using(alias).exists(),
    }


_HOUR = 3_600_000  # milliseconds
_MOST = 10_000  # numbers that get nothing for now; of more of them their providers will say so again


def _held(alias: str, now: int) -> dict[str, int]:
    """Numbers and providers that are left alone, or were just now: of a provider one message tries it again."""
    held = Counter.objects.using(alias).filter(blocked_until__gt=now - _HOUR).order_by("-blocked_until")
    return {key.hex: until for key, until in held.values_list("key", "blocked_until")[:_MOST]}


def _counters(alias: str, now: int) -> dict[str, Slots]:
    oldest = (now // _WIDTH - windows.SUB_BUCKETS) * _WIDTH
    recent = Delivery.objects.using(alias).filter(sent_at__gte=oldest, handover=1)
    strangers = Q(device=False)
    second = Delivery.objects.using(alias).filter(
        challenge=OuterRef("challenge"), sent_at=OuterRef("sent_at"), handover=2
    )
    left = recent.filter(~_UNDONE | Exists(second.exclude(_UNDONE)))
    grouped = left.exclude(provider="test").values("region", slot=F("sent_at") / _WIDTH)
    counted = grouped.annotate(sends=Count("id", filter=strangers), others=Count("id", filter=~strangers))
    found: dict[str, Slots] = {}
    sends, devices = Tally[int](), Tally[int]()
    for region, slot, of_strangers, others in counted.values_list("region", "slot", "sends", "others"):
        found.setdefault(ledger_id("sends_per_region_day", region), {})[slot] = of_strangers
        sends[slot] += of_strangers
        devices[slot] += others
    counted_rows = recent.filter(unconverted__gt=0).order_by("-sent_at", "-unconverted")
    newest = counted_rows.values_list("unconverted", flat=True).first()
    unconverted = _latest(sends, newest or 0)
    all_of_them = {
        "sends_per_day": sends,
        "device_sends_per_day": devices,
        "unconverted_per_day": unconverted,
        "failures_per_day": {slot: n * conf.CHECKS for slot, n in unconverted.items()},
    }
    return found | {ledger_id(name, "all"): dict(slots) for name, slots in all_of_them.items()}


def _latest(sends: Slots, unconverted: int) -> Slots:
    """As if the last sends were those without a success: as late as they can have been."""
    slots: Slots = {}
    for slot in sorted(sends, reverse=True):
        slots[slot] = min(sends[slot], unconverted)
        unconverted -= slots[slot]
    return slots
