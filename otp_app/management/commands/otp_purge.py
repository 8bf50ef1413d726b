"""``manage.py otp_purge``: run it every hour or so, by cron or a timer."""

from typing import Any

from django.core.management.base import BaseCommand

from otp_app import sweeps


class Command(BaseCommand):
    help = "Deletes what no longer counts: challenges, counters, deliveries, tokens, sessions. Safe to run at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        challenges, dead = sweeps.purge()
        self.stdout.write(f"Purged {challenges} challenges and {dead} tokens and sessions.")
