"""Run ``manage.py otp_staff``: let a member of staff who has lost authenticator and recovery codes enrol anew."""

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand

from ... import audit, services
from ...accounts import events
from ...factors import authenticators, passkeys, recovery_codes
from .. import django_sessions
from ..people import user_named


class Command(BaseCommand):
    help = "Removes the second factor of a member of staff, who enrols anew at the next visit of the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reset",
            metavar="NAME",
            required=True,
            help="whoever signs in by this name loses authenticator, recovery codes, passkeys and all sessions",
        )
        parser.add_argument("--by", help="the user who decides it, by the name to sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_named("--reset", options["reset"])
        by = user_named("--by", options["by"]) if options["by"] else None
        removed = self._remove_factors(user)  # first: from now on no session has the rights of staff
        recovery_codes.remove(user)
        for kind in removed:
            events.record(user, kind)
        services.sign_out_everywhere(user=user)
        all_ended = django_sessions.end_all(user)
        audit.record_factor("removed", user.pk, by=str(by.pk) if by else "otp_staff")
        if by and apps.is_installed("django.contrib.admin"):
            from django.contrib.admin.models import CHANGE, LogEntry  # not to be imported where it is not installed

            LogEntry.objects.log_actions(by.pk, [user], CHANGE, "Second factor removed.", single_object=True)
        done = "Second factor removed" if removed else "There was no second factor"
        self.stdout.write(f"{user}: {done}; sessions and tokens ended.")
        if not all_ended:
            self.stderr.write("Sessions that began by the password are not listed by this engine: change the password.")

    def _remove_factors(self, user: Any) -> list[events.Kind]:
        """Remove authenticator and passkeys of a user, and return an event for each."""
        removed = [events.Kind.AUTHENTICATOR_REMOVED] if authenticators.remove(user) else []
        gone = [row for row in passkeys.of(user) if passkeys.remove(user, row.pk.hex)]
        return removed + [events.Kind.PASSKEY_REMOVED] * len(gone)
