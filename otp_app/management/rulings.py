"""Hold what ``otp_block`` and ``otp_allow`` share: how they name a subject, its end and their author."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .. import rulings
from ..db import clock
from ..models import BlockRow
from ..phones import mask_subject
from .people import user_named
from .tables import counted

_HELP = {
    "phone": "a number with its country code: +998901234567",
    "prefix": "the first digits of numbers: +99890123",
    "network": "a network: 192.0.2.0/24",
    "region": "a country by its two letters: UZ",
}
_NO_RECORD = "The admin's history has no record of it, because --by names no user."


class RulingCommand(BaseCommand, ABC):
    """Make or lift a ruling. A command says for which ``kinds`` of subjects."""

    kinds = tuple(_HELP)

    def add_arguments(self, parser: ArgumentParser) -> None:
        one = parser.add_mutually_exclusive_group(required=True)
        for kind in self.kinds:
            one.add_argument(f"--{kind}", help=_HELP[kind])
        parser.add_argument("--reason", default="", help="why, for whoever reads it later")
        parser.add_argument("--hours", type=float, help="when it ends; without, it stays until it is lifted")
        parser.add_argument("--by", help="the user who decides it, by the name to sign in with")
        parser.add_argument("--lift", action="store_true", help="end what is in force for this subject")

    @abstractmethod
    def ruling(self, options: dict[str, Any]) -> BlockRow:
        """Return a ruling with its mode and amount."""

    def handle(self, *args: Any, **options: Any) -> None:
        ((kind, text),) = ((kind, options[kind]) for kind in self.kinds if options[kind] is not None)
        by = user_named("--by", options["by"]) if options["by"] else self.__module__.rpartition(".")[2]
        try:
            done = self._change(rulings.subject_of(kind, text), options, by)
        except ValueError as error:
            raise CommandError(f"--{kind} {text}: {error}") from None
        self.stdout.write(done if options["by"] else f"{done} {_NO_RECORD}")

    def _change(self, subject: str, options: dict[str, Any], by: Any) -> str:
        """Make a ruling, or lift what is in force, and return a sentence that says so."""
        if options["lift"]:
            return f"{mask_subject(subject)}: {counted(rulings.lift(subject, by), 'ruling')} lifted."
        row = self.ruling(options)
        row.subject, row.reason = subject, options["reason"]
        if options["hours"] is not None:
            row.until = clock.milliseconds() + int(options["hours"] * 3_600_000)
        rulings.make(row, by)
        return f"{row}: {row.get_mode_display()}. Every process knows it after ten seconds."
