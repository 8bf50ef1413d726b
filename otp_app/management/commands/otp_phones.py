"""Run ``manage.py otp_phones``: list phones that are not in E.164 form, duplicates, and who has none; correct them.

Two users are never merged, and none gets a phone that another has. What was written is in the report, which undoes it.
"""

from argparse import ArgumentParser
from collections import Counter
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Value

from ... import phones
from .. import regions, reports, spellings
from ..columns import Column, column_named
from ..spellings import Spelling
from ..tables import counted

_HEADING = ("pk", "old", "new")
_BATCH_ROWS = 1000


class Command(BaseCommand):
    help = "Lists the phones that are not in E.164 form: signing in by one creates a second account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", type=regions.region, help="the country of phones without a country code: UZ")
        parser.add_argument(
            "--field",
            default="",
            help="where phones are kept, if not in the user model: profile__phone, app.Model.field",
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--fix", action="store_true", help="write the E.164 form; a dry run without --apply")
        what.add_argument(
            "--undo", metavar="REPORT", help="write the old phones of a report; a dry run without --apply"
        )
        parser.add_argument("--apply", action="store_true", help="write")
        parser.add_argument(
            "--report", metavar="FILE", help="where --fix --apply writes key, old and new phone, as CSV"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        write = options["fix"] and options["apply"]
        if write != bool(options["report"]):
            raise CommandError("--fix --apply and --report FILE need each other: by the report it can be undone.")
        try:
            column = column_named(options["field"])
            if options["undo"]:
                self._undo(column, options["undo"], apply=options["apply"])
            else:
                with reports.writing(options["report"], _HEADING) if write else nullcontext() as report:
                    self._list(column, options["region"] or "", report, fix=options["fix"])
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None

    def _list(self, column: Column, region: str, report: reports.Report | None, *, fix: bool) -> None:
        done: Counter[str] = Counter()
        for batch in spellings.wrong(column, region):
            with transaction.atomic(using=column.database):
                outcomes = [_outcome(column, each, write=report is not None) for each in batch]
                if report:  # before the commit: whatever is written can be undone
                    changed = zip(batch, outcomes, strict=True)
                    report([(each.pk, each.stored, each.phone) for each, (kind, _) in changed if kind == "free"])
            for each, (kind, text) in zip(batch, outcomes, strict=True):
                done[kind] += 1
                self._say(column.model, each.pk, text)
        for pk in column.owners_without():
            done["without"] += 1
            self._say(column.owner, pk, "has no phone.")
        self.stdout.write(_summary(done, fix=fix, wrote=report is not None))

    def _undo(self, column: Column, path: str, *, apply: bool) -> None:
        done: Counter[bool] = Counter()
        for batch in reports.read(path, _HEADING, _BATCH_ROWS):
            with transaction.atomic(using=column.database):
                for pk, old, new in batch:
                    done[not apply or spellings.replace(column, pk, new, Value(old))] += 1
        text = f"{counted(done[True], 'phone')} {'restored' if apply else 'can be restored'}"
        left = f", {done[False]} changed meanwhile and left as they are" if done[False] else ""
        self.stdout.write(f"{text}{left}.{'' if apply else ' Nothing was written; --apply restores them.'}")

    def _say(self, model: Any, pk: Any, text: str) -> None:
        self.stdout.write(f"{model._meta.model_name} {pk}: {text}")


def _outcome(column: Column, spelling: Spelling, *, write: bool) -> tuple[str, str]:
    # Only the E.164 form is shown: two spellings, each masked, would together show most of the number.
    shown = phones.mask(spelling.phone)
    if not spelling.phone:
        return "unreadable", "its phone cannot be read as a phone number."
    if spelling.holder is not None:
        return "taken", f"{shown} belongs to {column.model._meta.model_name} {spelling.holder}: not changed."
    if not write:
        return "free", f"{shown} is stored in another spelling."
    if spellings.replace(column, spelling.pk, spelling.stored, spelling.phone):
        return "free", f"corrected to {shown}."
    return "changed", f"{shown} was changed by somebody else meanwhile: not changed."


def _summary(done: Counter[str], *, fix: bool, wrote: bool) -> str:
    without = f" {counted(done['without'], 'row has', 'rows have')} no phone." if done["without"] else ""
    total = done.total() - done["without"]
    if not total:
        return f"All phones are in E.164 form.{without}"
    corrected = f"{done['free']} {'corrected' if wrote else 'can be corrected'}"
    left = f"{done['taken']} belong to another row, {done['unreadable']} cannot be read"
    changed = f", {done['changed']} changed by somebody else meanwhile" if done["changed"] else ""
    end = "--apply with --report FILE corrects them" if fix else "--fix corrects them"
    dry = "" if wrote else f" Nothing was written; {end}."
    found = counted(total, "phone is", "phones are")
    return f"\n{found} not in E.164 form, or another's: {corrected}, {left}{changed}.{dry}{without}"
