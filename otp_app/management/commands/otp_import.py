"""Run ``manage.py otp_import``: take over users whose numbers were confirmed elsewhere. No message is sent.

A user that exists is left as it is, so the command may be run again: after a kill it goes on, twice it does nothing.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ... import accounts, phones
from ...errors import OtpError, UserNotCreated
from .. import regions, reports
from ..exports import FORMATS, Exported
from ..tables import counted

_BATCH_USERS = 500  # of one transaction; on PostgreSQL their phones' turns are held for so long
_MAX_SHOWN = 20  # users that cannot be taken over, on the terminal
_HEADING = ("user", "phone", "reason")


class Command(BaseCommand):
    help = "Creates users for the numbers that another service has confirmed. It is a dry run without --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the export, or a CSV file")
        parser.add_argument("--format", choices=list(FORMATS), required=True, help="what has written the file")
        parser.add_argument("--region", type=regions.region, help="the country of numbers without a country code: UZ")
        parser.add_argument("--apply", action="store_true", help="write")
        parser.add_argument("--report", metavar="FILE", help="where to write whom it does not take over and why")

    def handle(self, *args: Any, **options: Any) -> None:
        done: Counter[str] = Counter()
        path, region = options["report"], options["region"] or ""
        try:
            with (
                Path(options["file"]).open(encoding="utf-8-sig", newline="") as file,
                reports.writing(path, _HEADING) if path else nullcontext() as report,
            ):
                users = enumerate(FORMATS[options["format"]](file), 1)
                while batch := list(islice(users, _BATCH_USERS)):
                    refused = _take_over(batch, region, done, apply=options["apply"])
                    if report:
                        report(refused)
                    for number, phone, reason in refused[: max(0, _MAX_SHOWN - done["shown"])]:
                        done["shown"] += 1
                        self.stdout.write(f"user {number} of the file{_masked(phone, region)}: {reason}")
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(_summary(done, apply=options["apply"]))


def _take_over(
    batch: Sequence[tuple[int, Exported]], region: str, done: Counter[str], *, apply: bool
) -> list[tuple[int, str, str]]:
    """Create the users of a batch in one transaction, or count those to create. Return whom it cannot, and why."""
    refused: list[tuple[int, str, str]] = []
    wanted: dict[str, tuple[int, Exported]] = {}
    for number, user in batch:
        if not user.phone and not user.fault:
            done["without"] += 1
            continue
        phone, reason = _read(user, region)
        if reason:
            refused.append((number, user.phone, reason))
        elif wanted.setdefault(phone, (number, user))[0] != number:
            done["exists"] += 1
    with transaction.atomic(using=accounts.database()):
        for phone, (number, user) in sorted(wanted.items()):  # two imports at once take the phones' turns in one order
            try:
                done["created" if _is_created(phone, user, apply=apply) else "exists"] += 1
            except UserNotCreated:
                refused.append((number, user.phone, "user_not_created"))
    done["refused"] += len(refused)
    return sorted(refused)


def _read(user: Exported, region: str) -> tuple[str, str]:
    """Return the number in E.164 form, and the reason why it cannot be taken over, if there is one."""
    if user.fault or not (user.active or _may_be_inactive()):
        return "", user.fault or "inactive"
    try:
        return phones.parse(user.phone.strip(), region=region), ""
    except OtpError as error:
        return "", error.code


def _is_created(phone: str, user: Exported, *, apply: bool) -> bool:
    """Create a user unless the phone has one already; return whether it had none."""
    if not apply:
        return accounts.current().find(phone, None) is None
    account, is_new = accounts.user_for(phone)
    if is_new and not user.active:
        account.is_active = False
        account.save(update_fields=["is_active"])
    return is_new


def _may_be_inactive() -> bool:
    return any(field.name == "is_active" for field in get_user_model()._meta.concrete_fields)


def _masked(phone: str, region: str) -> str:
    """Return the number in the mask that the log has, too; nothing of what cannot be read as a number."""
    try:
        return f", {phones.mask(phones.parse(phone.strip(), gate=False, region=region))}"
    except OtpError:
        return ""


def _summary(done: Counter[str], *, apply: bool) -> str:
    created = f"{counted(done['created'], 'user')} {'created' if apply else 'can be created'}"
    left = f"{done['exists']} exist already, {done['without']} have no phone, {done['refused']} cannot be taken over"
    return f"{created}, {left}.{'' if apply else ' Nothing was written; --apply creates them.'}"
