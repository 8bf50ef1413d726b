"""Run ``manage.py otp_allow``: hold a prefix, network or region open with an amount, or watch a region."""

from argparse import ArgumentParser
from typing import Any

from ...models import BlockRow
from ..rulings import RulingCommand


class Command(RulingCommand):
    help = "Holds a prefix, network or region open with an amount of its own, or serves a region and only watches it."
    kinds = ("prefix", "network", "region")

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--amount", type=int, help="in place of the amounts of the table")
        parser.add_argument("--watch", action="store_true", help="refuse nothing, and log what would have been refused")

    def ruling(self, options: dict[str, Any]) -> BlockRow:
        mode = BlockRow.Mode.WATCH if options["watch"] else BlockRow.Mode.OPEN
        return BlockRow(mode=mode, amount=options["amount"])
