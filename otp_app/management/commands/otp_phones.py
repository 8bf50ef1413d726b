"""``manage.py otp_phones``: users whose phones are not in E.164 form, and with ``--fix`` brings them into it.

No two users are ever made one, and no phone is written over that another user has.
"""

import sqlite3
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand
from phonenumbers import SUPPORTED_REGIONS

from ... import phones
from .. import spellings
from ..spellings import Spelling


class Command(BaseCommand):
    help = "Lists the users whose phones are not in E.164 form: who signs in by such a phone gets a second account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", type=_region, help="whose national form is read too: UZ")
        parser.add_argument("--fix", action="store_true", help="write what the list shows; look at it without first")

    def handle(self, *args: Any, region: str | None, fix: bool, **options: Any) -> None:
        done: Counter[str] = Counter()
        with closing(sqlite3.connect("")) as planned:  # a file of its own that goes with it, for there may be millions
            planned.execute("CREATE TABLE planned (phone TEXT PRIMARY KEY, pk TEXT)")
            for spelling in spellings.others(spellings.stored(), region or ""):
                outcome, text = _outcome(spelling, planned, fix=fix)
                done[outcome] += 1
                self.stdout.write(f"user {spelling.pk}: {text}")
        self.stdout.write(_summary(done, fix=fix))


def _outcome(spelling: Spelling, planned: sqlite3.Connection, *, fix: bool) -> tuple[str, str]:
    # Both spellings, each masked, would show most of the number: only the one that it comes to is shown.
    shown = phones.mask(spelling.phone)
    if not spelling.phone:
        return "unreadable", "what stands there cannot be read as a phone number."
    holder = spellings.holder(spelling.phone)
    if holder is None:
        holder = _planned(spelling, planned)
    if holder is not None:
        return "taken", f"{shown}, which is the phone of user {holder}: left as it is."
    if not fix:
        return "free", f"{shown} in another spelling."
    if spellings.correct(spelling):
        return "free", f"{shown} now."
    return "changed", f"{shown} was changed meanwhile: left as it is."


def _planned(spelling: Spelling, planned: sqlite3.Connection) -> str | None:
    """Return who else is to get the number: the first who has it in another spelling gets it, the next ones do not."""
    sql = "INSERT OR IGNORE INTO planned VALUES (?, ?)"
    if planned.execute(sql, (spelling.phone, str(spelling.pk))).rowcount:
        return None
    pk: str = planned.execute("SELECT pk FROM planned WHERE phone = ?", (spelling.phone,)).fetchone()[0]
    return pk


def _summary(done: Counter[str], *, fix: bool) -> str:
    if not done:
        return "All phones are in E.164 form."
    corrected = f"{done['free']} {'corrected' if fix else 'can be corrected'}"
    left = f"{done['taken']} of numbers that another user has, {done['unreadable']} unreadable"
    changed = f", {done['changed']} changed meanwhile" if done["changed"] else ""
    end = "" if fix else " Nothing was written: --fix does."
    return f"\n{done.total()} phones in other forms than E.164: {corrected}, {left}{changed}.{end}"


def _region(text: str) -> str:
    if (region := text.upper()) not in SUPPORTED_REGIONS:
        raise ArgumentTypeError("a country by its two letters, as UZ")
    return region
