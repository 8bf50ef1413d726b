"""Run ``manage.py otp_limits``: print the table of limits, how much of them is used, or what a send would meet.

``--lift`` ends the suppression of a phone that began when a provider called the phone bad for good or opted out.
"""

import shutil
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.module_loading import import_string

from ... import stores
from ...conf import conf
from ...delivery import suppressions
from ...errors import OtpError
from ...limits import TABLE, Rule, amount_of
from ...limits.table import MONEY_UNITS
from ...limits.values import Counts, Usage
from ...rulings import parse_phone
from ..explanation import explain
from ..subjects import KINDS, SubjectLimits, parse_client, subjects_of
from ..tables import duration, table

Parsed = TypeVar("Parsed")


class Command(BaseCommand):
    help = (
        "Prints the table of limits; with a subject, how much of its limits is used; with a phone and a client, what a "
        "send would meet."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--phone", help="a number with its country code: +998901234567")
        parser.add_argument("--client", help="an IPv4 or IPv6 address: 192.0.2.1")
        parser.add_argument("--prefix", help="a number without its last four digits: +99890123")
        parser.add_argument("--region", help="a country by its two letters: UZ")
        parser.add_argument("--lift", action="store_true", help="end the suppression of this phone")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name].strip() for name in KINDS if options[name] is not None}
        if options["lift"] and list(given) != ["phone"]:
            raise CommandError("--lift ends the suppression of a phone: give --phone and nothing else.")
        try:
            for lines in _answer(given, lift=options["lift"]):
                self.stdout.write("\n".join(lines) + "\n\n")
        except ValueError as error:
            raise CommandError(str(error)) from None
        except (OtpError, DatabaseError) as error:
            raise CommandError(f"The store cannot be reached: {error}") from error


def _answer(given: dict[str, str], *, lift: bool) -> Iterable[list[str]]:
    """Yield what to print, in paragraphs; raise ValueError that says what is wrong with a subject."""
    if not given:
        return [_table_of_rules()]
    if set(given) == {"phone", "client"}:
        return [list(explain(_parsed("phone", given, parse_phone), _parsed("client", given, parse_client)))]
    if len(given) > 1:
        raise ValueError("Give one subject, or --phone and --client for what a send would meet.")
    ((kind, text),) = given.items()
    subjects = _parsed(kind, given, lambda text: subjects_of(kind, text))
    if lift:
        suppressions.lift(subjects[0].phone)
        subjects = subjects_of(kind, text)
    return map(_usage_table, subjects)


def _parsed(kind: str, given: dict[str, str], parse: Callable[[str], Parsed]) -> Parsed:
    """Parse one subject; name it in the error."""
    try:
        return parse(given[kind])
    except ValueError as error:
        raise ValueError(f"--{kind} {given[kind]}: {error}") from None


def _table_of_rules() -> list[str]:
    head = ["limit", "counts", "per", "amount", "period", "beyond it", "source"]
    rules = [rule for rule in TABLE if rule.counts is not Counts.ANSWERED]
    rules += import_string(conf.RULES) if conf.RULES else ()
    rows = [
        [rule.name, rule.what, rule.per, _amount(rule), duration(rule.period), _consequence(rule), rule.source]
        for rule in rules
    ]
    return [
        *table([head, *rows], _columns(), wrapped=(1, 5, 6)),
        "",
        "amount       the setting OTP_ and the name in capitals, and + so much of the messages that are",
        "             answered there on a usual day: the last day or, if that is better, the average one of",
        "             the week; for sends the average one",
        f"site         an IPv6 /48; it has the amount of {conf.SITE_CLIENTS} clients",
        "per          subnet: an IPv4 /24 or IPv6 /48; network: an IPv4 /16 or IPv6 /32; prefix: a number",
        "             without its last four digits; region: a country",
        "unconverted  sends that no success has followed yet",
        "strange      networks where nobody's message was answered for a week, and not in OTP_HOME_NETWORKS",
        f"proof        of work, asked for beyond half of the amount{'' if conf.PROOFS else ' (OTP_PROOFS is off)'}",
    ]


def _amount(rule: Rule) -> str:
    if rule.counts is Counts.WAITS:
        return _range_of(conf.WAITS)
    return _in_units(rule.name, amount_of(rule)) + (f" + {rule.growth} %" if rule.growth else "")


def _in_units(name: str, amount: int) -> str:
    """Write an amount, that of the budget in OTP_CURRENCY; "-" where there is no budget."""
    if name == "budget_per_day":
        return f"{amount / MONEY_UNITS:g} {conf.CURRENCY}" if conf.BUDGET_PER_DAY else "-"
    return str(amount)


def _range_of(seconds: Sequence[int]) -> str:
    return f"{min(seconds)}-{max(seconds)} s" if seconds else "-"


def _consequence(rule: Rule) -> str:
    return "proof, refused" if rule.proof else "refused"


def _usage_table(subject: SubjectLimits) -> list[str]:
    usages = stores.current().usage(subject.limits, phone=subject.phone, device=subject.device)
    head = ["limit", "used", "of", "period", "wait"]
    rows = [
        [
            usage.limit.name,
            _in_units(usage.limit.name, usage.used),
            _amount_in_force(usage),
            duration(usage.limit.period),
            duration(ceil(usage.wait / 1000)) if usage.wait else "-",
        ]
        for usage in usages
    ]
    return [subject.title, *table([head, *rows], _columns()), *subject.notes]


def _amount_in_force(usage: Usage) -> str:
    if usage.limit.counts is Counts.WAITS:
        return _range_of(usage.limit.steps)
    return "-" if usage.limit.counts is Counts.ANSWERED else _in_units(usage.limit.name, usage.amount)


def _columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns
