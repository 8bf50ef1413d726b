"""Run ``manage.py otp_accounts PHONE``: show which accounts have or had a number, open one, or give the number back."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from ... import accounts, audit, phones, services
from ...accounts import released_numbers
from ...errors import OtpError
from ...models import ReleasedNumber
from ..people import user_named


class Command(BaseCommand):
    help = "Shows which accounts have or had a number; opens an idle one; gives the number back to one that lost it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("phone", help="the number, with its country code")
        change = parser.add_mutually_exclusive_group()
        open_help = "you have made sure who it is: the next code opens the account of the number, from any device"
        change.add_argument("--open", action="store_true", help=open_help)
        change.add_argument("--give-back", metavar="USER", help="the key of the user who gets the number again")
        parser.add_argument("--by", help="the user who decides it, by the name to sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            phone = phones.parse(options["phone"], gate=False)
        except OtpError as error:
            raise CommandError(str(error.detail)) from None
        by = user_named("--by", options["by"]) if options["by"] else None
        if options["give_back"]:
            self._give_back(phone, options["give_back"], by)
        elif options["open"]:
            self._open(phone, by)
        self._show(phone)

    def _open(self, phone: str, by: Any) -> None:
        user = accounts.current().find(phone, None)
        if user is None:
            raise CommandError("No account has this number.")
        accounts.record_sign_in(user)
        _log("opened", by, user, "Account opened.")

    def _give_back(self, phone: str, key: str, by: Any) -> None:
        row = next((each for each in released_numbers.of(phone) if str(each.user.pk) == key), None)
        if row is None:
            raise CommandError(f"--give-back {key}: this user has not lost this number.")
        if accounts.phone_of(row.user):
            raise CommandError(f"--give-back {key}: this user has another number by now.")
        if holder := accounts.current().find(phone, None):
            services.sign_out_everywhere(user=holder)
        if not released_numbers.give_back(row):
            raise CommandError("The number could not be given back: somebody has just signed in with it. Try again.")
        _log("number_given_back", by, row.user, "Number given back.")

    def _show(self, phone: str) -> None:
        user = accounts.current().find(phone, None)
        holder = f"user {user.pk}, last there {accounts.last_login(user) or 'never'}" if user else "nobody"
        self.stdout.write(f"{phones.mask(phone)} belongs to {holder}.")
        for row in released_numbers.of(phone):
            self.stdout.write(f"user {row.user.pk} lost it at {_time(row)}; --give-back {row.user.pk}")


def _time(row: ReleasedNumber) -> str:
    return datetime.fromtimestamp(row.at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _log(what: str, by: Any, user: Any, text: str) -> None:
    """Write the decision into the log, and into the history of Django's admin if somebody is named who made it."""
    audit.record_decision(what, user.pk, str(by.pk) if by else "otp_accounts")
    if by and apps.is_installed("django.contrib.admin"):
        from django.contrib.admin.models import CHANGE, LogEntry  # not to be imported where it is not installed

        LogEntry.objects.log_actions(by.pk, [user], CHANGE, text, single_object=True)
