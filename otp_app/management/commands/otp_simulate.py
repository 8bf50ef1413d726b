"""Run ``manage.py otp_simulate``: play attacks and ordinary days against the project's limits, without its database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...challenges.policies import LOGIN, policy_for
from ...conf import conf
from ...simulation import profiles
from ...simulation.invariants import Violated
from ...simulation.page import page
from ...simulation.result import Report
from ...simulation.world import Size

_PRICE_USD = 0.05  # of a message: an assumption, prices go from 0.005 to 0.3 by country and company


class Command(BaseCommand):
    help = "Simulates abuse, or ordinary days, under the settings in force. Sends nothing and touches no database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--profile", required=True, choices=list(profiles.PROFILES))
        parser.add_argument("--world", default="", help="only this one of the profile's worlds")
        parser.add_argument("--days", type=int, default=1)
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same output")
        parser.add_argument("--tries", type=int, default=100_000, help="requests of the attackers, over all days")
        parser.add_argument("--people", type=int, default=100, help="ordinary people of an ordinary day")
        parser.add_argument("--price", type=float, default=_PRICE_USD, help="of a message, in USD; an assumption")
        parser.add_argument("--html", type=Path, help="write a page with charts to this file, too")

    def handle(self, *args: Any, **options: Any) -> None:
        profile, seed, only, price = (options[name] for name in ("profile", "seed", "world", "price"))
        size = Size(options["days"], options["tries"], options["people"])
        if min(size.days, size.people) < 1 or size.tries < profiles.MIN_TRIES:
            raise CommandError(f"Give at least 1 day, 1 person and {profiles.MIN_TRIES} tries.")
        if only not in ("", *profiles.PROFILES[profile]):
            raise CommandError(f"The worlds of {profile} are: {', '.join(profiles.PROFILES[profile])}.")
        world = f' --world "{only}"' if only else ""
        title = (
            f"otp_simulate --profile {profile}{world} --days {size.days} --seed {seed} --tries {size.tries} "
            f"--people {size.people} --price {price}"
        )
        try:
            worlds = list(profiles.play(profile, seed, size, only))
        except Violated as violated:
            raise CommandError(f"A limit does not hold: {violated}") from violated
        report = Report(profile, worlds, price, policy_for(LOGIN).length, conf.PROOF_COST)
        self.stdout.write(f"{title}\nA message is assumed to cost {price} USD.\n\n{report.text()}")
        if options["html"]:
            options["html"].write_text(page(title, report), encoding="utf-8")
