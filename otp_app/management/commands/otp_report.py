"""Run ``manage.py otp_report --days 7``: print what was sent, its cost and its outcome per provider and country."""

import shutil
from argparse import ArgumentParser
from collections import Counter as Tally
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from math import ceil
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from ... import stores
from ...challenges import Status
from ...conf import conf
from ...delivery import routing
from ...errors import Unavailable
from ...models import ChallengeRow, Delivery
from .. import line_lookups
from ..tables import counted, table

_Status = Delivery.Status
_OUTCOMES = {  # each status is in one of these, so they add up to the sends
    "delivered": (_Status.DELIVERED,),
    "no_report": (_Status.SENT,),
    "failed": (_Status.FAILED, _Status.UNDELIVERED),
    "unknown": (_Status.UNKNOWN,),
    "waiting": (_Status.QUEUED,),
}
_HEAD = ["provider", "country", "sends", *_OUTCOMES, "segments", "money", "signed_in", "p50", "p95"]
_TOTALLED = ("sends", *_OUTCOMES, "segments", "money", "signed_in", "unpriced")
_LEGEND = """
sends      hand-overs to this provider: delivered + no report + failed + unknown + waiting; "-": to no provider
delivered  as reported; no report: accepted, but not reported on; failed: not accepted, or reported as not delivered
unknown    the provider's answer was lost; waiting: not handed over yet
signed in  sends whose code was accepted; a message without a code is a send, too
p50, p95   milliseconds within which 50 % and 95 % of the provider's answers came
"""


class Command(BaseCommand):
    help = (
        "Prints sends, what became of them, money, sign-ins and answer times per provider and country, and what line "
        "lookups have cost."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how far back, 1 to 30 (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        days = min(30, max(1, options["days"]))  # deliveries are kept for 30 days
        since = stores.current().now() - days * 24 * 3600 * 1000
        sent = _sent(since)
        if found := _groups(sent):
            self._write(found, _answers(sent))
        else:
            self.stdout.write(f"No deliveries in the last {counted(days, 'day')}.")
        if lookups := line_lookups.described(since):
            self.stdout.write(lookups)

    def _write(self, found: list[dict[str, Any]], answers: dict[tuple[str, str], Tally[int]]) -> None:
        totals = {name: sum((group[name] or 0 for group in found), Decimal(0)) for name in _TOTALLED}
        rows = [_row(group, answers.get((group["provider"], group["region"]), Tally())) for group in found]
        rows.append(_row(totals | {"provider": "all", "region": " "}, sum(answers.values(), Tally[int]())))
        head = [{"money": conf.CURRENCY}.get(name, name.replace("_", " ")) for name in _HEAD]
        width = shutil.get_terminal_size((120, 24)).columns
        self.stdout.write("\n".join(table([head, *rows], width, wrapped=range(3, len(_HEAD) - 2))))
        self.stdout.write(_LEGEND)
        if totals["unpriced"]:
            words = counted(int(totals["unpriced"]), "send has no price", "sends have no price")
            self.stdout.write(f"{words}: give the provider a PRICE.")


def _sent(since: int) -> QuerySet[Delivery]:
    with suppress(Unavailable):  # without the store, some sign-ins of the last hour are missing
        stores.current().settle()
    return Delivery.objects.filter(sent_at__gte=since).exclude(provider__in=routing.UNREAL_PROVIDERS)


def _groups(sent: QuerySet[Delivery]) -> list[dict[str, Any]]:
    approved = ChallengeRow.objects.filter(id=OuterRef("challenge"), status=Status.APPROVED)
    accepted = Q(segments__gt=0)
    outcomes = {name: Count("id", filter=Q(status__in=states)) for name, states in _OUTCOMES.items()}
    others: dict[str, Any] = {
        "signed_in": Count("id", filter=Q(good=True) & ~Q(status=_Status.FAILED)),
        "unpriced": Count("id", filter=accepted & Q(price=None)),
    }
    grouped = sent.annotate(good=Q(converted=True) | Exists(approved)).values("provider", "region")
    grouped = grouped.annotate(sends=Count("id"), parts=Sum("segments"), money=Sum("price"), **outcomes, **others)
    return [{**group, "segments": group["parts"]} for group in grouped.order_by("provider", "region")]


def _answers(sent: QuerySet[Delivery]) -> dict[tuple[str, str], Tally[int]]:
    """Count answers by whole milliseconds: a provider's deadline bounds how many different counts there are."""
    found: dict[tuple[str, str], Tally[int]] = {}
    times = sent.exclude(latency=None).values_list("provider", "region", "latency").annotate(Count("id")).order_by()
    for provider, region, latency, count in times:
        found.setdefault((provider, region), Tally())[latency] = count
    return found


def _row(group: Mapping[str, Any], answers: Tally[int]) -> list[str]:
    sends = int(group["sends"])
    shown = {name: str(group[name]) for name in ("sends", *_OUTCOMES)}
    shown |= {name: _share(group[name], sends) for name in ("delivered", "signed_in")}
    shown |= {name: _percentile(answers, int(name[1:])) for name in ("p50", "p95")}
    shown |= {"provider": group["provider"] or "-", "country": group["region"] or "-"}
    shown |= {"segments": str(group["segments"] or 0), "money": f"{group['money'] or 0:.2f}"}
    return [shown[name] for name in _HEAD]


def _share(part: Any, whole: int) -> str:
    return f"{part} ({100 * int(part) // whole}%)"


def _percentile(answers: Tally[int], percent: int) -> str:
    """Return the shortest time in milliseconds within which ``percent`` of the answers came; ``-`` without answers."""
    wanted = ceil(answers.total() * percent / 100)
    for latency in sorted(answers):
        wanted -= answers[latency]
        if wanted <= 0:
            return str(latency)
    return "-"
