"""Restore from the database what a Redis that forgot must know; most of it comes from the deliveries there.

After a flush, or when another server has taken over, the limits of a day and of thirty days go on from here: of each
phone its sends and failed checks, of a region and of all the sends, and the blocks. Counts of an hour begin anew, and
so does the conversion of a region. What is not known exactly is put so high and so late that no cap is exceeded. Two
kinds of sends do not count: those that were under way when Redis forgot, for their rows come with their ends, and those
that surely reached nobody, also where the number was at fault.
"""

from collections import Counter as Tally
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from ... import counters
from ...challenges import Challenge
from ...conf import conf
from ...counters import HOUR_MS, MONTH_MS, rings
from ...db.transactions import require_none
from ...keys import counter_key, phone_key
from ...limits import RINGS
from ...models import BlockRow, ChallengeRow, Delivery, Failure
from ..rows import challenge_of

_MAX_BLOCKED_KEYS = 10_000  # to remember; providers report again the undeliverable numbers beyond these
_DAY = 24 * 3600
_UNDONE = Q(status=Delivery.Status.FAILED, segments=0)  # no provider accepted it: what it took was given back
_WIDTH = rings.width(_DAY)

Slots = dict[int, int]


def remember_failure(alias: str, challenge: Challenge) -> None:
    """Write down that the phone had a failed check. Raise InsideTransaction where a rollback could undo that."""
    require_none(alias)
    phone = phone_key(challenge.phone, challenge.device)
    Failure.objects.using(alias).create(phone=phone, at=challenge.checked_at)


def of_phone(alias: str, phone: str, now: int) -> dict[str, Any]:
    """Return the sends and failed checks of a phone, by strangers and by its devices, as the scripts write them."""
    return {
        lane: {"s": _sends(alias, key, now), "f": _failures(alias, key, phone, device, now)}
        for lane, device in (("s", ""), ("d", "any"))
        if (key := phone_key(phone, device))
    }


def _sends(alias: str, key: str, now: int) -> list[int]:
    sent = Delivery.objects.using(alias).filter(phone=key, sent_at__gt=now - _DAY * 1000)
    return list(sent.exclude(_UNDONE).values_list("sent_at", flat=True).distinct())


def _failures(alias: str, key: str, phone: str, device: str, now: int) -> dict[str, int]:
    """Count failed checks by their instants; also those of challenges from before the project went over to Redis."""
    failed = Tally[str]()
    for at, checks in Failure.objects.using(alias).filter(phone=key, at__gt=now - MONTH_MS).values_list("at", "checks"):
        failed[str(at)] += checks
    lane = ~Q(device="") if device else Q(device="")
    for row in ChallengeRow.objects.using(alias).filter(lane, phone=phone, created_at__gt=now - MONTH_MS):
        if failures := challenge_of(row).failures:
            failed[str(row.checked_at)] = failures
    return failed


def of_key_counters(alias: str, now: int) -> dict[str, Any]:
    """Return the counters and blocks to begin with; ``complete`` when no phone has anything to be remembered."""
    held = counters.recent_blocks(alias, now - HOUR_MS, _MAX_BLOCKED_KEYS)
    blocks = BlockRow.objects.using(alias).filter(until__gt=now, lifted_at=None).order_by("until")
    return {
        "counters": _counters(alias, now),
        "blocks": held | {key.hex: until for key, until in blocks.values_list("key", "until")},
        "complete": not Delivery.objects.using(alias).exists(),
    }


def _counters(alias: str, now: int) -> list[dict[str, Any]]:
    """Return what each ring that counts a day holds: its key, number and period, and its sub-buckets."""
    oldest = (now // _WIDTH - rings.SUB_BUCKETS) * _WIDTH
    recent = Delivery.objects.using(alias).filter(sent_at__gte=oldest, handover=1)
    regions: dict[str, Slots] = {}
    sends, devices = Tally[int](), Tally[int]()
    for region, slot, of_strangers, others in _by_region(alias, recent):
        regions.setdefault(region, {})[slot] = of_strangers
        sends[slot] += of_strangers
        devices[slot] += others
    counted_rows = recent.filter(unconverted__gt=0).order_by("-sent_at", "-unconverted")
    newest = counted_rows.values_list("unconverted", flat=True).first()
    unconverted = _latest(sends, newest or 0)
    all_of_them: dict[str, Slots] = {
        "sends_per_day": sends,
        "device_sends_per_day": devices,
        "unconverted_per_day": unconverted,
        "failures_per_day": {slot: n * conf.CHECKS for slot, n in unconverted.items()},
    }
    found = [_ring("region", region, "sends_per_region_day", slots) for region, slots in regions.items()]
    return found + [_ring("all", "all", name, slots) for name, slots in all_of_them.items()]


def _by_region(alias: str, recent: QuerySet[Delivery]) -> QuerySet[Any, Any]:
    """Count what left, by region and sub-bucket: the sends of strangers, and those of known devices."""
    other_of = {"challenge": OuterRef("challenge"), "sent_at": OuterRef("sent_at")}
    second = Delivery.objects.using(alias).filter(**other_of, handover=2)
    left = recent.filter(~_UNDONE | Exists(second.exclude(_UNDONE))).exclude(provider="test")
    grouped = left.values("region", slot=F("sent_at") / _WIDTH)
    strangers = Q(device=False)
    counted = grouped.annotate(sends=Count("id", filter=strangers), others=Count("id", filter=~strangers))
    return counted.values_list("region", "slot", "sends", "others")


def _ring(per: str, subject: str, line: str, slots: Slots) -> dict[str, Any]:
    held = {str(slot): n for slot, n in slots.items() if n}
    return {"key": counter_key(per, subject), "ring": RINGS[line], "period": _DAY, "slots": held}


def _latest(sends: Slots, unconverted: int) -> Slots:
    """Return the sub-buckets as if the last sends were those without a success: as late as they can have been."""
    slots: Slots = {}
    for slot in sorted(sends, reverse=True):
        slots[slot] = min(sends[slot], unconverted)
        unconverted -= slots[slot]
    return slots
