"""Run ``manage.py otp_block``: refuse every send of a phone, prefix, network or region until an end, or for good."""

from typing import Any

from ...models import BlockRow
from ..rulings import RulingCommand


class Command(RulingCommand):
    help = "Refuses every send to a phone, prefix or region, or from a network."

    def ruling(self, options: dict[str, Any]) -> BlockRow:
        return BlockRow(mode=BlockRow.Mode.SHUT)
