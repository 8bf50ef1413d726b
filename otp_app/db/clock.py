"""Tell the time by which the app counts: this machine's, except where a store asks its own server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connections
from django.utils import timezone

from ..conf import conf


def now_sql(alias: str) -> str:
    """Return SQL for the store's time (milliseconds since 1970): PostgreSQL's, since web machines' may differ."""
    if connections[alias].vendor == "postgresql":
        return f"(CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint) + {offset()})"
    return str(milliseconds())


def read_now(alias: str) -> int:
    """Return the store's time, in milliseconds since 1970."""
    if connections[alias].vendor == "sqlite":
        return milliseconds()
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(alias)}")
        return int(cursor.fetchone()[0])


class Stopped:
    """Represent a clock that stands at ``at`` (milliseconds since 1970) until a simulation moves it."""

    def __init__(self, at: int) -> None:
        self.at = at


_stopped: list[Stopped] = []


def milliseconds() -> int:
    """Return the milliseconds since 1970."""
    return _stopped[-1].at if _stopped else time.time_ns() // 1_000_000 + offset()


def instant() -> datetime:
    """Return the current instant, as Django's ``timezone.now()`` but by the app's clock."""
    return timezone.now() + timedelta(milliseconds=offset())


def offset() -> int:
    """Return the milliseconds that OTP_CLOCK_OFFSET_FILE adds to all clocks of the app; 0 if unset or unreadable."""
    if not conf.CLOCK_OFFSET_FILE:
        return 0
    try:
        return int(float(Path(conf.CLOCK_OFFSET_FILE).read_text()) * 1000)
    except (OSError, ValueError, OverflowError):
        return 0


@contextmanager
def stopped(at: int) -> Iterator[Stopped]:
    """Stop the app's clock at ``at`` (milliseconds since 1970); yield it, for only moving it lets time pass."""
    _stopped.append(Stopped(at))
    try:
        yield _stopped[-1]
    finally:
        _stopped.pop()
