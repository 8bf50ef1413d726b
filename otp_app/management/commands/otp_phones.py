"""Run ``manage.py otp_phones``: list users whose phones are not in E.164 form, and correct them with ``--fix``.

Two users are never merged, and no user gets a phone that another user has.
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
from ..tables import counted


class Command(BaseCommand):
    help = "Lists the users whose phones are not in E.164 form: signing in by one creates a second account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--region", type=_region, help="the country of phones that are stored without a country code: UZ"
        )
        parser.add_argument(
            "--fix", action="store_true", help="write the E.164 form; read the list without --fix first"
        )

    def handle(self, *args: Any, region: str | None, fix: bool, **options: Any) -> None:
        done: Counter[str] = Counter()
        with closing(sqlite3.connect("")) as planned:  # a temporary file, because there may be millions
            planned.execute("CREATE TABLE planned (phone TEXT PRIMARY KEY, pk TEXT)")
            for spelling in spellings.not_in_e164(spellings.stored_phones(), region or ""):
                outcome, text = _outcome(spelling, planned, fix=fix)
                done[outcome] += 1
                self.stdout.write(f"user {spelling.pk}: {text}")
        self.stdout.write(_summary(done, fix=fix))


def _outcome(spelling: Spelling, planned: sqlite3.Connection, *, fix: bool) -> tuple[str, str]:
    # Only the E.164 form is shown: two spellings, each masked, would together show most of the number.
    shown = phones.mask(spelling.phone)
    if not spelling.phone:
        return "unreadable", "its phone cannot be read as a phone number."
    holder = spellings.user_with(spelling.phone)
    if holder is None:
        holder = _other_owner(spelling, planned)
    if holder is not None:
        return "taken", f"{shown} belongs to user {holder}: not changed."
    if not fix:
        return "free", f"{shown} is stored in another spelling."
    if spellings.correct(spelling):
        return "free", f"corrected to {shown}."
    return "changed", f"{shown} was changed by somebody else meanwhile: not changed."


def _other_owner(spelling: Spelling, planned: sqlite3.Connection) -> str | None:
    """Return the user who is to get the number already, as the first in the list; None if that is this one."""
    sql = "INSERT OR IGNORE INTO planned VALUES (?, ?)"
    if planned.execute(sql, (spelling.phone, str(spelling.pk))).rowcount:
        return None
    pk: str = planned.execute("SELECT pk FROM planned WHERE phone = ?", (spelling.phone,)).fetchone()[0]
    return pk


def _summary(done: Counter[str], *, fix: bool) -> str:
    if not done:
        return "All phones are in E.164 form."
    total = counted(done.total(), "phone is", "phones are")
    corrected = f"{done['free']} {'corrected' if fix else 'can be corrected'}"
    left = f"{done['taken']} belong to another user, {done['unreadable']} cannot be read"
    changed = f", {done['changed']} changed by somebody else meanwhile" if done["changed"] else ""
    end = "" if fix else " Nothing was written; --fix corrects them."
    return f"\n{total} not in E.164 form: {corrected}, {left}{changed}.{end}"


def _region(text: str) -> str:
    if (region := text.upper()) not in SUPPORTED_REGIONS:
        raise ArgumentTypeError("a country by its two letters, as UZ")
    return region
