"""``manage.py otp_doctor``: looks at settings, database, store, queue and every provider, and says what is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ..diagnosis import Finding, examine
from ..tables import counted


class Command(BaseCommand):
    help = "Looks at everything that delivery needs. Asks each provider for its balance or credentials; sends nothing."
    requires_system_checks = ()  # it runs them itself, and goes on

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            self.stdout.write(f"{_word(finding):7} {finding.subject}: {finding.text}")
        faults, notes = (sum(finding.good is kind for finding in findings) for kind in (False, None))
        words = [counted(faults, "fault")] if faults else ["No faults"]
        words += [counted(notes, "note")] if notes else []
        self.stdout.write(f"\n{', '.join(words)}." if faults or notes else "\nAll is well.")
        if faults:
            sys.exit(1)


def _word(finding: Finding) -> str:
    return {True: "ok", False: "FAULT", None: "note"}[finding.good]
