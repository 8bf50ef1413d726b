"""Restore from the database what a Redis that forgot must know; most of it comes from the deliveries there.

After a flush, or when another server has taken over, the limits of a day and of thirty days go on from here: of each
phone its sends and failed checks, of a region its unanswered messages of a day and its answered ones of a week, of
known devices their sends in all, and the blocks. Counts of an hour, of prefixes and of networks begin anew, so for a
day nobody is called a stranger (``lua/windows.lua``). Two kinds of sends do not count: those that were under way when
Redis forgot, for their rows come with their ends, and those that surely reached nobody, also where the number was at
fault.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from ... import counters
from ...challenges import Challenge
from ...counters import HOUR_MS, MONTH_MS, rings
from ...db.transactions import require_none
from ...keys import counter_key, phone_key
from ...limits import DAY, RINGS, WEEK
from ...models import ChallengeRow, Delivery, Failure
from ..rows import challenge_of

_MAX_BLOCKED_KEYS = 10_000  # to remember; providers report again the undeliverable numbers beyond these
_UNDONE = Q(status=Delivery.Status.FAILED, segments=0)  # no provider accepted it: what it took was given back

Counted = QuerySet[Delivery, tuple[str, int, int]]  # region, sub-bucket and number


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
    sent = Delivery.objects.using(alias).filter(phone=key, sent_at__gt=now - DAY * 1000)
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
    return {
        "counters": [*_rings_of_regions(alias, now), *_ring_of_devices(alias, now)],
        "blocks": counters.recent_blocks(alias, now - HOUR_MS, _MAX_BLOCKED_KEYS),
        "complete": not Delivery.objects.using(alias).exists(),
    }


def _rings_of_regions(alias: str, now: int) -> Iterator[dict[str, Any]]:
    """Yield what each region had of unanswered messages in a day, and of answered ones in a week."""
    strangers = _left(alias).filter(device=False)
    for name, period, converted in (
        ("unconverted_per_region_day", DAY, False),
        ("answered_in_region", WEEK, True),
    ):
        regions: dict[str, dict[str, int]] = {}
        for region, slot, n in _by_region(strangers.filter(converted=converted), period, now):
            regions.setdefault(region, {})[str(slot)] = n
        for region, slots in regions.items():
            yield _ring("region", region, name, period, slots)


def _ring_of_devices(alias: str, now: int) -> Iterator[dict[str, Any]]:
    slots = Tally[str]()
    for _, slot, n in _by_region(_left(alias).filter(device=True), DAY, now):
        slots[str(slot)] += n
    yield _ring("all", "all", "device_sends_per_day", DAY, slots)


def _left(alias: str) -> QuerySet[Delivery]:
    """Return the first deliveries of the sends that left, or may have left."""
    other_of = {"challenge": OuterRef("challenge"), "sent_at": OuterRef("sent_at")}
    second = Delivery.objects.using(alias).filter(**other_of, handover=2)
    first = Delivery.objects.using(alias).filter(handover=1).exclude(provider="test")
    return first.filter(~_UNDONE | Exists(second.exclude(_UNDONE)))


def _by_region(deliveries: QuerySet[Delivery], period: int, now: int) -> Counted:
    """Count deliveries by region and sub-bucket of a period."""
    width = rings.width(period)
    recent = deliveries.filter(sent_at__gte=(now // width - rings.SUB_BUCKETS) * width)
    grouped = recent.values("region", slot=F("sent_at") / width)
    return grouped.annotate(sends=Count("id")).values_list("region", "slot", "sends")


def _ring(per: str, subject: str, rule: str, period: int, slots: Mapping[str, int]) -> dict[str, Any]:
    return {"key": counter_key(per, subject), "ring": RINGS[rule], "period": period, "slots": slots}
