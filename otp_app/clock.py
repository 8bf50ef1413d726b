"""The time by which the app counts: that of this machine, where no store asks a server of its own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .conf import conf


class Stopped:
    """A clock that stands at ``at`` (milliseconds since 1970) until somebody moves it. For simulations."""

    def __init__(self, at: int) -> None:
        self.at = at


_stopped: list[Stopped] = []


def milliseconds() -> int:
    """Now, since 1970."""
    return _stopped[-1].at if _stopped else time.time_ns() // 1_000_000 + offset()


def offset() -> int:
    """Milliseconds that OTP_CLOCK_OFFSET_FILE adds to every clock of the app; 0 without it or when it is unreadable."""
    if not conf.CLOCK_OFFSET_FILE:
        return 0
    try:
        return int(float(Path(conf.CLOCK_OFFSET_FILE).read_text()) * 1000)
    except (OSError, ValueError, OverflowError):
        return 0


@contextmanager
def stopped(at: int) -> Iterator[Stopped]:
    """Within it, time passes only when the clock it gives is moved."""
    _stopped.append(Stopped(at))
    try:
        yield _stopped[-1]
    finally:
        _stopped.pop()
