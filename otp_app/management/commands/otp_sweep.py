"""Run ``manage.py otp_sweep`` by cron or a timer, or with ``--every`` as a process of its own."""

import logging
import signal
import threading
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from ...delivery import sweeper

logger = logging.getLogger("otp_app.sweeps")

PURGE_EVERY = 3600  # seconds


class Command(BaseCommand):
    help = (
        "Hands over what a queue lost, and gives up hand-overs that never ended. Safe to run at any time, also twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=_seconds, help="sweep every so many seconds until a signal ends the process"
        )
        parser.add_argument("--purge", action="store_true", help="with --every: also run otp_purge once an hour")

    def handle(self, *args: Any, every: int | None = None, purge: bool = False, **options: Any) -> None:
        if every is None:
            self.stdout.write(_line(sweeper.sweep()))
            return
        with _ended_by_signals() as stop:
            purged = -PURGE_EVERY if purge else None  # by time.monotonic
            while not stop.is_set():
                if purged is not None and time.monotonic() - purged >= PURGE_EVERY:
                    purged = int(time.monotonic())
                    self._step(sweeper.purge)
                self._step(lambda: self._sweep(stop))
                stop.wait(every)

    def _sweep(self, stop: threading.Event) -> None:
        swept = sweeper.sweep(stop)
        if any(astuple(swept)):
            self.stdout.write(_line(swept))

    def _step(self, step: Any) -> None:
        """Run one step, and log its error: the process goes on until the database is back."""
        try:
            step()
        except Exception as error:  # noqa: BLE001
            logger.error("sweep failed: %s", type(error).__name__)  # noqa: TRY400  (a traceback every few seconds would fill the log)
        finally:
            connections.close_all()  # the next round must not use a broken connection


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a whole number of seconds, 1 or more")
    return int(text)


def _line(swept: sweeper.Sweep) -> str:
    sends = (
        f"{swept.attempted} lost sends delivered or ended, {swept.failed} failed, {swept.abandoned} given up as unknown"
    )
    return f"Swept: {sends}; {swept.matched} early reports matched."


@contextmanager
def _ended_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, so that the command finishes its current step and ends."""
    stop = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, lambda *_: stop.set()) for each in signals]
    try:
        yield stop
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
