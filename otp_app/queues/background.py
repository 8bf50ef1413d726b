"""Run what must not show in an answer, in a thread, after it."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from ..conf import costs_money

Subject = TypeVar("Subject")

logger = logging.getLogger("otp_app.queues")

_PAUSE_SECONDS = 0.05  # in which the answer leaves: work beside it would make it slower, and tell that there is some
_pool = ThreadPoolExecutor(16, "otp-background")


def run(work: Callable[[Subject], None], subject: Subject) -> None:
    """Run ``work`` with a subject, as a send, in a moment; at once where no provider costs money, as in tests.

    An error is logged and not raised.
    """
    if not costs_money():
        _run_safely(work, subject)
        return
    try:
        _pool.submit(_run_later, work, subject)
    except RuntimeError:
        logger.error("not delivered: this process is ending")  # noqa: TRY400  (there is nothing to trace)


def _run_later(work: Callable[[Subject], None], subject: Subject) -> None:
    time.sleep(_PAUSE_SECONDS)
    try:
        _run_safely(work, subject)
    finally:
        connections.close_all()  # of this thread: Django closes only those of requests


def _run_safely(work: Callable[[Subject], None], subject: Subject) -> None:
    try:
        work(subject)
    except Exception as error:  # noqa: BLE001  (nobody waits for the result)
        logger.error("not delivered: %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote the phone)
