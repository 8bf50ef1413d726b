"""Run ``manage.py otp_limits``: print the table of limits, or how much of them a phone, client, prefix or region used.

``--lift`` ends the block of a prefix or region, as the admin does, even if a crash prevented its row in the admin. For
a phone it ends the suppression that began when a provider called the phone bad for good or opted out.
"""

import shutil
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
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
from ..subjects import KINDS, SubjectLimits, subjects_of
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
            help="end the block of this prefix or region, or the suppression of this phone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in KINDS if options[name] is not None}
        if not given:
            self._write(_table_of_rules())
            return
        ((kind, text),) = given.items()
        try:
            subjects = _subjects(kind, text.strip(), lift=options["lift"])
            for subject in subjects:
                self._write(_usage_table(subject))
        except (OtpError, DatabaseError) as error:
            raise CommandError(f"The store cannot be reached: {error}") from error

    def _write(self, lines: list[str]) -> None:
        self.stdout.write("\n".join(lines) + "\n\n")


def _subjects(kind: str, text: str, *, lift: bool) -> list[SubjectLimits]:
    """Return the subjects to print; if ``lift``, end their blocks first. Raise CommandError if ``text`` is wrong."""
    try:
        subjects = subjects_of(kind, text)
    except ValueError as error:
        raise CommandError(f"--{kind} {text}: {error}") from None
    if not lift:
        return subjects
    for subject in subjects if kind in ("prefix", "region") else ():
        _lift_blocks(subject)
    if kind == "phone":
        suppressions.lift(subjects[0].phone)
    return subjects_of(kind, text)


def _lift_blocks(subject: SubjectLimits) -> None:
    store = stores.current()
    forgiven = {limit.key: limit.ring for limit in subject.limits if limit.name.startswith("unconverted")}
    blocked = {usage.limit.key: usage.limit for usage in reversed(store.usage(subject.limits)) if usage.blocked_until}
    for key, limit in blocked.items():
        store.lift(key, forgiven[key])
        BlockRow.objects.filter(key=key, lifted_at=None).update(lifted_at=store.now())
        audit.record_lifted_block(BlockRow(subject=limit.subject, limit=limit.name), "otp_limits")


def _table_of_rules() -> list[str]:
    head = ["limit", "counts", "per", "amount", "period", "beyond it", "source"]
    rows = [
        [rule.name, rule.what, rule.per, _amount(rule), duration(rule.period), _consequence(rule), rule.source]
        for rule in TABLE
    ]
    home = ", ".join(conf.HOME_REGIONS) or "none"
    return [
        *table([head, *rows], _columns(), wrapped=(1, 5, 6)),
        "",
        "amount       the setting OTP_ and the name in capitals; a site (an IPv6 /48) has that of "
        f"{conf.SITE_CLIENTS} clients",
        "unconverted  sends that no success has followed yet",
        f"proof        of work, asked for beyond half of the amount{'' if conf.PROOFS else ' (OTP_PROOFS is off)'}",
        f"judged       below {conf.CONVERSION_PROOF} % successes a proof of work is asked for, below "
        f"{conf.CONVERSION_BLOCK} % the",
        f"             region is blocked for {duration(conf.REGION_BLOCK)}, unless it is a home region ({home})",
    ]


def _amount(rule: Rule) -> str:
    if rule.counts is Counts.WAITS:
        return _range_of(conf.WAITS)
    return "-" if amount_of(rule) >= UNLIMITED else str(amount_of(rule))


def _range_of(seconds: Sequence[int]) -> str:
    return f"{min(seconds)}-{max(seconds)} s" if seconds else "-"


def _consequence(rule: Rule) -> str:
    if rule.amount == UNLIMITED:
        return "judged"
    words = ["proof"] if "proof" in rule.then else []
    return ", ".join([*words, f"block {duration(conf.PREFIX_BLOCK)}" if "block" in rule.then else "refused"])


def _usage_table(subject: SubjectLimits) -> list[str]:
    usages = stores.current().usage(subject.limits, phone=subject.phone, device=subject.device)
    head = ["limit", "used", "of", "period", "wait", "blocked until"]
    rows = [
        [
            usage.limit.name,
            str(usage.used),
            _limit_amount(usage.limit),
            duration(usage.limit.period),
            duration(ceil(usage.wait / 1000)) if usage.wait else "-",
            _moment(usage.blocked_until) if usage.blocked_until else "-",
        ]
        for usage in usages
    ]
    return [subject.title, *table([head, *rows], _columns()), *_conversion(usages), *subject.notes]


def _limit_amount(limit: Limit) -> str:
    if limit.counts is Counts.WAITS:
        return _range_of(limit.steps)
    return "-" if limit.amount >= UNLIMITED else str(limit.amount)


def _conversion(usages: list[Usage]) -> list[str]:
    """Say how many sends of a region were followed by a success; nothing for other subjects."""
    used = {usage.limit.name: usage.used for usage in usages}
    sends = used.get("sends_per_region_day", 0)
    if not sends:
        return []
    converted = max(0, sends - used["unconverted_per_region_day"])
    return [f"{converted} of {sends} sends were followed by a success ({100 * converted // sends} %)."]


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns
