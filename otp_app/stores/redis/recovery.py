"""Restore from the database what a Redis that forgot must know; most of it comes from the deliveries there.

After a flush, or when another server has taken over, the limits of a day and of thirty days go on from here: of each
phone its sends and failed checks, of a region its unanswered messages of a day and its answered ones of a week, of
known devices their sends and answered messages in all, the money of a day, and the blocks. Counts of an hour, of
prefixes and of networks begin anew, so for a day nobody is called a stranger (``lua/windows.lua``). Two kinds of sends
do not count: those that were under way when Redis forgot, for their rows come with their ends, and those that surely
reached nobody, also where the number was at fault, for a delivery does not say whose fault it was.
"""

from collections import Counter as Tally
from collections.abc import Iterator
from typing import Any

from django.db.models import Aggregate, Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value

from ... import counters
from ...challenges import Challenge
from ...counters import HOUR_MS, MONTH_MS, rings
from ...db.transactions import require_none
from ...keys import counter_key, phone_key
from ...limits import DAY, RINGS, WEEK
from ...limits.table import MONEY_UNITS
from ...models import ChallengeRow, Delivery, Failure
from ..rows import challenge_of
from ..wire import Document

_MAX_BLOCKED_KEYS = 10_000  # to remember; providers report again the undeliverable numbers beyond these
_UNDONE = Q(status=Delivery.Status.FAILED, segments=0)  # no provider accepted it: what it took was given back


def remember_failure(alias: str, challenge: Challenge) -> None:
    """Write down that the phone had a failed check. Raise InsideTransaction where a rollback could undo that."""
    require_none(alias)
    phone = phone_key(challenge.phone, challenge.device)
    Failure.objects.using(alias).create(phone=phone, at=challenge.checked_at)


def challenges_of(alias: str, phone: str, now: int) -> list[str]:
    """Return the challenges of a phone that Redis may still hold, by the deliveries of a day."""
    keys = [phone_key(phone), phone_key(phone, "any")]
    sent = Delivery.objects.using(alias).filter(phone__in=keys, sent_at__gt=now - DAY * 1000)
    return [challenge.hex for challenge in sent.values_list("challenge", flat=True)]


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
        "counters": [*_rings_of_sends(alias, now), *_ring_of_money(alias, now)],
        "blocks": counters.recent_blocks(alias, now - HOUR_MS, _MAX_BLOCKED_KEYS),
        "complete": not Delivery.objects.using(alias).exists(),
    }


def _rings_of_sends(alias: str, now: int) -> Iterator[Document]:
    """Yield the rings of the sends that left, or may have left; a send is what its first delivery says, or its second.

    A success that is not marked in the database yet is taken for none.
    """
    other_of = {"challenge": OuterRef("challenge"), "sent_at": OuterRef("sent_at")}
    second = Delivery.objects.using(alias).filter(**other_of, handover=2)
    answered = Q(converted=True) | Exists(second.filter(converted=True))
    # Without a phone it is a notification, which takes none of these limits.
    first = Delivery.objects.using(alias).filter(handover=1).exclude(provider="test").exclude(phone=None)
    left = first.filter(~_UNDONE | Exists(second.exclude(_UNDONE)))
    strangers, devices, sends = left.filter(device=False), left.filter(device=True), Count("id")
    yield from _rings("region", "unconverted_per_region_day", DAY, now, strangers.exclude(answered), sends)
    yield from _rings("region", "answered_in_region", WEEK, now, strangers.filter(answered), sends)
    yield from _rings("all", "answered_in_all", WEEK, now, devices.filter(answered), sends)
    yield from _rings("all", "device_sends_per_day", DAY, now, devices, sends)


def _ring_of_money(alias: str, now: int) -> Iterator[Document]:
    """Yield the ring of what messages cost, as far as that is known."""
    priced = Delivery.objects.using(alias).filter(price__gt=0)
    yield from _rings("all", "budget_per_day", DAY, now, priced, Sum(F("price") * MONEY_UNITS))


def _rings(
    per: str, rule: str, period: int, now: int, deliveries: QuerySet[Delivery], counted: Aggregate
) -> Iterator[Document]:
    """Yield the ring of a rule for each subject, with what is counted of these deliveries in each sub-bucket."""
    width = rings.width(period)
    recent = deliveries.filter(sent_at__gte=(now // width - rings.SUB_BUCKETS) * width)
    subjects: dict[str, dict[str, int]] = {}
    subject = F("region") if per == "region" else Value("all")
    grouped = recent.values(subject=subject, slot=F("sent_at") / width).annotate(counted=counted)
    for each, slot, n in grouped.values_list("subject", "slot", "counted"):
        subjects.setdefault(each, {})[str(slot)] = round(n)
    for each, slots in subjects.items():
        yield {"key": counter_key(per, each), "ring": RINGS[rule], "period": period, "slots": slots}
