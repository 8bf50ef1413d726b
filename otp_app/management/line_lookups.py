"""Say what the questions about the lines behind numbers have cost, and what they found."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from ..conf import conf
from ..models import LineLookup
from .tables import counted

Groups = Sequence[Mapping[str, Any]]
Finding = LineLookup.Finding
_FOUND = {
    Finding.SIM_SWAPPED: "another SIM",
    Finding.REASSIGNED: "another owner",
    Finding.SAME: "the same line",
    Finding.UNKNOWN: "nothing known",
}


def described(since: int) -> str:
    """Describe the lookups since an instant (milliseconds) by number, money and findings; empty if there were none."""
    rows = LineLookup.objects.filter(at__gte=since).values("finding", "line_type").order_by()
    groups: Groups = list(rows.annotate(count=Count("id"), money=Sum("price"), priced=Count("price")))
    if not groups:
        return ""
    number, money = _sum(groups, "count"), sum((group["money"] or 0 for group in groups), Decimal(0))
    found = [f"{_sum(groups, 'count', finding=name)} {text}" for name, text in _FOUND.items()]
    types = sorted({group["line_type"] for group in groups} - {""})
    lines = [f"{_sum(groups, 'count', line_type=name)} {name}" for name in types]
    text = f"{counted(number, 'line lookup')}, {money:.2f} {conf.CURRENCY}: {', '.join([*found, *lines])}."
    unpriced = number - _sum(groups, "priced")
    return text + (f" {unpriced} without a price: give OTP_LINE_CHECK a PRICE." if unpriced else "")


def _sum(groups: Groups, column: str, **of: str) -> int:
    return sum(group[column] for group in groups if of.items() <= group.items())
