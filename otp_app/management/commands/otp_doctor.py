"""Run ``manage.py otp_doctor``: examine settings, database, store, queue and every provider, and say what is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ..diagnosis import Finding, examine
from ..tables import counted


class Command(BaseCommand):
    help = (
        "Examines all that delivery needs. Asks each provider to check the credentials or the balance, and the company"
        " of OTP_LINE_CHECK what costs nothing; sends nothing."
    )
    requires_system_checks = ()  # it runs them itself, and goes on if one fails

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            self.stdout.write(f"{_level(finding):7} {finding.subject}: {finding.text}")
        faults, notes = (sum(finding.good is kind for finding in findings) for kind in (False, None))
        needs = counted(faults, "fault needs", "faults need") if faults else "Nothing needs"
        others = f", {counted(notes, 'note')}" if notes else ""
        self.stdout.write(f"\n{needs} attention{others}.")
        if faults:
            sys.exit(1)


def _level(finding: Finding) -> str:
    return {True: "ok", False: "FAULT", None: "note"}[finding.good]
