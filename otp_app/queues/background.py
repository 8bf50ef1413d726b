"""Run what must not show in an answer, in a thread, after it."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from ..challenges import Grant
from ..conf import costs_money

logger = logging.getLogger("otp_app.queues")

_PAUSE_SECONDS = 0.05  # in which the answer leaves: work beside it would make it slower, and tell that there is some
_pool = ThreadPoolExecutor(16, "otp-background")


def run(work: Callable[[Grant], None], grant: Grant) -> None:
    """Run ``work`` with a send in a moment; at once where no provider costs money, as in development and tests.

    An error is logged and not raised.
    """
    if not costs_money():
        _run_safely(work, grant)
        return
    try:
        _pool.submit(_run_later, work, grant)
    except RuntimeError:
        logger.error("not delivered: this process is ending")  # noqa: TRY400  (there is nothing to trace)


def _run_later(work: Callable[[Grant], None], grant: Grant) -> None:
    time.sleep(_PAUSE_SECONDS)
    try:
        _run_safely(work, grant)
    finally:
        connections.close_all()  # of this thread: Django closes only those of requests


def _run_safely(work: Callable[[Grant], None], grant: Grant) -> None:
    try:
        work(grant)
    except Exception as error:  # noqa: BLE001  (nobody waits for the result)
        logger.error("not delivered: %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote the phone)
