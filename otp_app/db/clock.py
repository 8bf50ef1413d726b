"""The time by which the app counts: that of this machine, where no store asks a server of its own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections

from ..conf import conf


def now_sql(alias: str) -> str:
    """Return the store's time as SQL: PostgreSQL is asked, so that the clocks of web machines do not matter."""
    if connections[alias].vendor == "postgresql":
        return f"(CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint) + {offset()})"
    return str(milliseconds())


def read_now(alias: str) -> int:
    """Return the store's time."""
    if connections[alias].vendor == "sqlite":
        return milliseconds()
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(alias)}")
        return int(cursor.fetchone()[0])


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
