"""Run ``manage.py otp_purge``, about once an hour by cron or a timer."""

from typing import Any

from django.core.management.base import BaseCommand

from ...delivery import sweeper


class Command(BaseCommand):
    help = "Deletes what no longer counts: challenges, counters, deliveries, tokens, sessions. Safe to run at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        challenges, tokens = sweeper.purge()
        sweeper.warn_of_silence()
        self.stdout.write(f"Purged {challenges} challenges and {tokens} tokens and sessions.")
