"""Run what must not show in an answer, in a thread, after it."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from ..challenges import Grant

logger = logging.getLogger("otp_app.queues")

_PAUSE_SECONDS = 0.05  # in which the answer leaves: work beside it would make it slower, and tell that there is some
_pool = ThreadPoolExecutor(16, "otp-background")


def run(work: Callable[[Grant], None], grant: Grant) -> None:
    """Run ``work`` with a send in a moment; log an error, whose type alone may not quote the phone."""
    _pool.submit(_run, work, grant)


def _run(work: Callable[[Grant], None], grant: Grant) -> None:
    time.sleep(_PAUSE_SECONDS)
    try:
        work(grant)
    except Exception as error:  # noqa: BLE001  (nobody waits for this thread's result)
        logger.error("not delivered: %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote the phone)
    finally:
        connections.close_all()  # of this thread: Django closes only those of requests
