"""Run ``manage.py otp_simulate``: play attacks and ordinary days against the project's limits, without its database."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...challenges.policies import LOGIN, policy_for
from ...conf import conf
from ...simulation import profiles
from ...simulation.invariants import Violated
from ...simulation.page import page
from ...simulation.result import Report
from ...simulation.world import PRICE, Size


class Command(BaseCommand):
    help = "Simulates abuse, or ordinary days, under the settings in force. Sends nothing and touches no database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--profile", required=True, choices=list(profiles.PROFILES), help="what is played")
        parser.add_argument("--world", default="", help="only this one of the profile's worlds")
        parser.add_argument("--days", type=int, default=1, help="that are judged")
        parser.add_argument("--history", type=int, default=7, help="honest days before, where a profile has any")
        parser.add_argument("--seeds", default="1", help="the same seeds give the same output; 1,2,3: means of three")
        parser.add_argument(
            "--tries", type=int, default=100_000, help="requests of the attackers, over all judged days"
        )
        parser.add_argument("--people", type=int, default=300, help="sign-ins of an ordinary day")
        parser.add_argument("--price", type=Decimal, default=PRICE, help="of a message whose provider names no PRICE")
        parser.add_argument("--html", type=Path, help="write a page with charts and all figures to this file, too")

    def handle(self, *args: Any, **options: Any) -> None:
        profile, only, price = (options[name] for name in ("profile", "world", "price"))
        size = Size(options["days"], options["tries"], options["people"], options["history"])
        if min(size.days, size.people) < 1 or size.history < 0 or size.tries < profiles.MIN_TRIES:
            raise CommandError(f"Give at least 1 day, 1 person and {profiles.MIN_TRIES} tries.")
        if only not in ("", *profiles.PROFILES[profile]):
            raise CommandError(f"The worlds of {profile} are: {', '.join(profiles.PROFILES[profile])}.")
        names = [only] if only else list(profiles.PROFILES[profile])
        if not all(seed.strip().isdecimal() for seed in options["seeds"].split(",")):
            raise CommandError("Give --seeds as 1,2,3.")
        seeds = [int(seed) for seed in options["seeds"].split(",")]
        try:
            worlds = {name: [profiles.play(profile, name, seed, size, price) for seed in seeds] for name in names}
        except Violated as violated:
            raise CommandError(f"A limit does not hold: {violated}") from violated
        report = Report(profile, worlds, policy_for(LOGIN).length, conf.PROOF_COST)
        self.stdout.write(report.text())
        if options["html"]:
            options["html"].write_text(page(_title(options), report), encoding="utf-8")


def _title(options: Mapping[str, Any]) -> str:
    """Return the command with the options that its figures depend on."""
    named = ("profile", "world", "days", "history", "seeds", "tries", "people", "price")
    return " ".join(["otp_simulate", *(f'--{name} "{options[name]}"' for name in named if options[name] != "")])
