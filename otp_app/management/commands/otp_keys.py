"""Run ``manage.py otp_keys``: list the keys that sign access tokens, make the next one, or replace a leaked one."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...db import clock
from ...tokens import signing_keys


class Command(BaseCommand):
    help = "Lists the keys that sign access tokens (JWT), makes the next one, or replaces all at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument(
            "--rotate",
            action="store_true",
            help="make the next key: it is published now and signs after OTP_JWT_KEY_LEAD seconds",
        )
        ways.add_argument(
            "--replace",
            action="store_true",
            help="make a key that signs at once and delete all others, after a leak: clients have to refresh",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rotate"] and signing_keys.make_next() is None:
            raise CommandError("There is a next key already; the list shows from when on it signs.")
        if options["replace"]:
            signing_keys.replace_all()
        now, state, keys = clock.milliseconds(), "next", signing_keys.published()
        if not keys:
            self.stderr.write("There is no key yet: the first sign-in makes one.")
        for row in keys:
            if row.signs_from <= now:
                state = "current" if state == "next" else "retired"
            since = datetime.fromtimestamp(row.signs_from / 1000, UTC)
            self.stdout.write(f"{state:8}{row.kid}  {row.public['alg']}  signs from {since:%Y-%m-%d %H:%M} UTC")
