"""``manage.py otp_report --days 7``: what was sent, what it cost, and what came of it, per provider and country."""

import shutil
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Avg, Count, Exists, OuterRef, Q, Sum

from otp_app import stores
from otp_app.challenges import Status
from otp_app.conf import conf
from otp_app.errors import Unavailable
from otp_app.management.tables import table
from otp_app.models import ChallengeRow, Delivery

_HEAD = ["provider", "country", "messages", "segments", "money", "delivered", "unknown", "failed", "sign-ins", "answer"]
_COUNTED = ("messages", "parts", "money", "delivered", "unknown", "failed", "signed_in", "unpriced")


class Command(BaseCommand):
    help = "Prints messages, segments, money, delivery and conversion per provider and country."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how far back, 1 to 30 (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        days = min(30, max(1, options["days"]))  # deliveries are kept for 30 days
        found = _groups(stores.current().now() - days * 24 * 3600 * 1000)
        if not found:
            self.stdout.write(f"No deliveries in the last {days} days.")
            return
        totals = {name: sum((group[name] or 0 for group in found), Decimal(0)) for name in _COUNTED}
        rows = [_row(group["provider"], group["region"] or "-", group) for group in found]
        rows.append(_row("all", "", totals))
        width = shutil.get_terminal_size((100, 24)).columns
        self.stdout.write("\n".join(table([_HEAD, *rows], width)))
        self.stdout.write("")
        self.stdout.write(
            "messages   accepted by the provider; failed: surely not accepted, or reported so; unknown: no reply"
        )
        self.stdout.write("delivered  of the messages, as reported; sign-ins: messages whose code signed somebody in")
        if totals["unpriced"]:
            self.stdout.write(f"{totals['unpriced']} messages have no price: give their provider a PRICE.")


def _groups(since: int) -> list[dict[str, Any]]:
    with suppress(Unavailable):  # then some sign-ins of the last hour are missing
        stores.current().settle()
    approved = ChallengeRow.objects.filter(id=OuterRef("challenge"), status=Status.APPROVED)
    rows = Delivery.objects.filter(sent_at__gte=since).exclude(provider__in=("", "test"))
    rows = rows.annotate(good=Q(converted=True) | Exists(approved))
    accepted = Q(segments__gt=0)
    grouped = rows.values("provider", "region").annotate(
        messages=Count("id", filter=accepted),
        parts=Sum("segments"),
        money=Sum("price"),
        delivered=Count("id", filter=Q(status=Delivery.State.DELIVERED)),
        unknown=Count("id", filter=Q(status=Delivery.State.UNKNOWN)),
        failed=Count("id", filter=Q(status__in=(Delivery.State.FAILED, Delivery.State.UNDELIVERED))),
        signed_in=Count("id", filter=accepted & Q(good=True)),
        unpriced=Count("id", filter=accepted & Q(price=None)),
        answer=Avg("latency"),
    )
    return [dict(group) for group in grouped.order_by("provider", "region")]


def _row(provider: str, region: str, group: Mapping[str, Any]) -> list[str]:
    messages = int(group["messages"])
    answer = group.get("answer")
    return [
        provider,
        region,
        str(messages),
        str(group["parts"] or 0),
        f"{group['money'] or 0:.2f} {conf.CURRENCY}",
        _share(group["delivered"], messages),
        str(group["unknown"]),
        str(group["failed"]),
        _share(group["signed_in"], messages),
        "" if answer is None else f"{answer:.0f} ms",
    ]


def _share(part: Any, whole: int) -> str:
    return f"{part} ({100 * int(part) // whole} %)" if whole else str(part)
