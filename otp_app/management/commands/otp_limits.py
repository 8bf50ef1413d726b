"""``manage.py otp_limits``: the table of limits, or how far one phone, client, prefix or region has used them up.

``--lift`` ends the block of a prefix or region, as the admin does; also one whose row a crash has kept from there. Of a
phone it ends what holds messages back because a provider called it bad for good or opted out.
"""

import shutil
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ... import audit, stores
from ...conf import conf
from ...delivery import suppressions
from ...errors import OtpError
from ...limits import TABLE, UNLIMITED, Rule, amount_of
from ...limits.values import Counts, Limit, Usage
from ...models import BlockRow
from ..subjects import KINDS, Part, parts_of
from ..tables import duration, table


class Command(BaseCommand):
    help = "Prints the table of limits; with a subject, how much of its limits is used."

    def add_arguments(self, parser: ArgumentParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--phone", help="a number with its country code: +998901234567")
        one.add_argument("--client", help="an IPv4 or IPv6 address: 192.0.2.1")
        one.add_argument("--prefix", help="a number without its last four digits: +99890123")
        one.add_argument("--region", help="a country by its two letters: UZ")
        parser.add_argument(
            "--lift",
            action="store_true",
            help="end the block of this prefix or region, or what holds messages to this phone back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in KINDS if options[name] is not None}
        if not given:
            self._write(_whole_table())
            return
        ((kind, text),) = given.items()
        try:
            parts = _parts(kind, text.strip(), lift=options["lift"])
            for part in parts:
                self._write(_state(part))
        except (OtpError, DatabaseError) as error:
            raise CommandError(f"The store cannot be reached: {error}") from error

    def _write(self, lines: list[str]) -> None:
        self.stdout.write("\n".join(lines) + "\n\n")


def _parts(kind: str, text: str, *, lift: bool) -> list[Part]:
    """The subject, after what it is held back by has been ended if that is wanted."""
    try:
        parts = parts_of(kind, text)
    except ValueError as error:
        raise CommandError(f"--{kind} {text}: {error}") from None
    if not lift:
        return parts
    for part in parts if kind in ("prefix", "region") else ():
        _lift_blocks(part)
    if kind == "phone":
        suppressions.lift(parts[0].phone)
    return parts_of(kind, text)


def _lift_blocks(part: Part) -> None:
    store = stores.current()
    forgiven = {limit.key: limit.ring for limit in part.limits if limit.name.startswith("unconverted")}
    blocked = {usage.limit.key: usage.limit for usage in reversed(store.usage(part.limits)) if usage.blocked_until}
    for key, limit in blocked.items():
        store.lift(key, forgiven[key])
        BlockRow.objects.filter(key=key, lifted_at=None).update(lifted_at=store.now())
        audit.unblocked(BlockRow(subject=limit.subject, limit=limit.name), "otp_limits")


def _whole_table() -> list[str]:
    head = ["limit", "counts", "per", "amount", "period", "beyond it", "source"]
    rows = [
        [rule.name, rule.what, rule.per, _amount(rule), duration(rule.period), _then(rule), rule.source]
        for rule in TABLE
    ]
    home = ", ".join(conf.HOME_REGIONS) or "none"
    return [
        *table([head, *rows], _columns(), wrapped=(1, 5, 6)),
        "",
        "amount       the setting OTP_ and the name in capitals; a site (an IPv6 /48) has that of "
        f"{conf.SITE_CLIENTS} clients",
        "unconverted  sends, given back by a success",
        f"proof        of work, asked for beyond half of the amount{'' if conf.PROOFS else ' (OTP_PROOFS is off)'}",
        f"judged       below {conf.CONVERSION_PROOF} % successes a proof of work, below {conf.CONVERSION_BLOCK} % the "
        f"region is blocked",
        f"             for {duration(conf.REGION_BLOCK)}; never a home region ({home})",
    ]


def _amount(rule: Rule) -> str:
    if rule.counts is Counts.WAITS:
        return _steps(conf.WAITS)
    return "-" if amount_of(rule) >= UNLIMITED else str(amount_of(rule))


def _steps(seconds: Sequence[int]) -> str:
    return f"{min(seconds)}-{max(seconds)} s" if seconds else "-"


def _then(rule: Rule) -> str:
    if rule.amount == UNLIMITED:
        return "judged"
    words = ["proof"] if "proof" in rule.then else []
    return ", ".join([*words, f"block {duration(conf.PREFIX_BLOCK)}" if "block" in rule.then else "refused"])


def _state(part: Part) -> list[str]:
    usages = stores.current().usage(part.limits, phone=part.phone, device=part.device)
    head = ["limit", "used", "of", "period", "wait", "blocked until"]
    rows = [
        [
            usage.limit.name,
            str(usage.used),
            _of(usage.limit),
            duration(usage.limit.period),
            duration(-(-usage.wait // 1000)) if usage.wait else "-",
            _moment(usage.blocked_until) if usage.blocked_until else "-",
        ]
        for usage in usages
    ]
    return [part.title, *table([head, *rows], _columns()), *_conversion(usages), *part.notes]


def _of(limit: Limit) -> str:
    if limit.counts is Counts.WAITS:
        return _steps(limit.steps)
    return "-" if limit.amount >= UNLIMITED else str(limit.amount)


def _conversion(usages: list[Usage]) -> list[str]:
    """Of a region: how many of its sends were followed by a success."""
    used = {usage.limit.name: usage.used for usage in usages}
    sends = used.get("sends_per_region_day", 0)
    if not sends:
        return []
    good = max(0, sends - used["unconverted_per_region_day"])
    return [f"{good} of {sends} sends were followed by a success ({100 * good // sends} %)."]


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns
