"""Tell an operator what is wrong with the setup, without letting strangers fill the log by their requests."""

import logging
import threading
import time

PERIOD_SECONDS = 60

_told: dict[str, float] = {}
_telling = threading.Lock()


def warn(logger: logging.Logger, text: str, *args: object) -> None:
    """Log a warning at most once in PERIOD_SECONDS in this process, whatever its ``args`` are."""
    now = time.monotonic()
    with _telling:
        if now - _told.get(text, -PERIOD_SECONDS) < PERIOD_SECONDS:
            return
        _told[text] = now
    logger.warning(text, *args)
