"""Sends that a provider has taken, written down several at once, a moment after their requests were answered.

::

    put ── OTP_WRITE_BEHIND later, in a thread ── flush ── one statement for all
                                                   └─ failed: kept, and ``require`` lets nobody send until it works

What a send begins with is written down before any provider is asked: in its row, or in the journal of the Redis store.
So what a process takes with it when it dies is an outcome, never that there was a send: it becomes *unknown*.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import DataError, IntegrityError, OperationalError, connections, router

from ..conf import conf
from ..db import writes
from ..models import Delivery

logger = logging.getLogger("otp_app.stores.behind")

_MOST = 500  # rows of a statement
_TOO_MANY = 10 * _MOST  # sends that wait while a database hangs, before no more of them are begun
_PAUSE = 1000  # milliseconds between the tries of the thread while the database fails

# A report may have been faster: then its word stands, and ours adds to it.
_MOVES = "{{table}}.status IN ({})".format(", ".join(f"'{status}'" for status in Delivery.PREDECESSORS["sent"]))
_ENDED = f"""
status = CASE WHEN {_MOVES} THEN excluded.status ELSE {{table}}.status END,
error = CASE WHEN {_MOVES} THEN excluded.error ELSE {{table}}.error END,
updated_at = CASE WHEN {_MOVES} THEN excluded.updated_at ELSE {{table}}.updated_at END,
segments = CASE WHEN {_MOVES} OR {{table}}.price IS NULL THEN excluded.segments ELSE {{table}}.segments END,
price = CASE WHEN {_MOVES} THEN excluded.price ELSE COALESCE({{table}}.price, excluded.price) END,
latency = excluded.latency
""".format(table=Delivery._meta.db_table)
_NAMED = f"{_ENDED}, reference = excluded.reference"  # who was given no name of theirs keeps the one that is there
HANDOVER = ("challenge", "sent_at", "handover")


@dataclass(frozen=True, slots=True)
class Ended:
    """A whole row of a delivery, and its entry in a journal; empty for none."""

    row: Mapping[str, Any]
    journal: str = ""
    named: bool = True  # its reference is the provider's own


class _Writer:
    """That of one process."""

    def __init__(self) -> None:
        self._waiting = deque[Ended]()
        self._written = deque[str](maxlen=100_000)  # entries of the journal; what is dropped, a sweep finds
        self._turn = threading.Lock()
        self._asked = threading.Event()
        self._thread = ThreadPoolExecutor(1, "otp-behind")  # the process waits for it at its end
        self._failing = False

    def put(self, ended: Ended) -> None:
        """Never raises: the message has left, whatever becomes of its record."""
        self._waiting.append(ended)
        if not conf.WRITE_BEHIND:
            self._try()
        else:
            self._ask()

    def begin(self, ended: Ended) -> bool:
        """Write a row down at once, for what does not end as it was expected to; False when it is there already."""
        begun = writes.run(_alias(), writes.merging(_alias(), Delivery, [ended.row], HANDOVER))
        self.forget(ended.journal)
        return bool(begun)

    def forget(self, entry: str) -> None:
        self._written.append(entry)

    def require(self) -> None:
        """Raises what the database raised, as long as it does; one caller tries, the others need not wait for that."""
        if not self._failing and len(self._waiting) < _TOO_MANY:
            return
        if not self._turn.acquire(blocking=False):
            raise OperationalError("what was sent before is not written down yet")
        try:
            self._flush()
        finally:
            self._turn.release()

    def flush(self) -> None:
        with self._turn:
            self._flush()

    def _flush(self) -> None:
        while batch := [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]:
            self._write(batch)
        self._failing = False

    def written(self, most: int) -> list[str]:
        """Entries of the journal that it need not keep any more; each is told once."""
        return [self._written.popleft() for _ in range(min(most, len(self._written)))]

    def _ask(self) -> None:
        if self._asked.is_set():
            return
        self._asked.set()
        try:
            self._thread.submit(self._later)
        except RuntimeError:  # this process is ending, or the machine has no more threads
            self._asked.clear()
            self._try()

    def _later(self) -> None:
        time.sleep((_PAUSE if self._failing else conf.WRITE_BEHIND) / 1000)
        self._asked.clear()
        try:
            connections[_alias()].close_if_unusable_or_obsolete()
            self._try()
        finally:
            connections[_alias()].close_if_unusable_or_obsolete()  # or it goes back to its pool only with the next
        if self._failing:
            self._ask()

    def _try(self) -> None:
        with suppress(Exception):  # it is logged, and what was not written is kept
            self.flush()

    def _write(self, batch: Sequence[Ended]) -> None:
        try:
            _merge(_alias(), batch)
        except BaseException as error:
            logger.error("%d sends are not written down yet: %s", len(batch), type(error).__name__)  # noqa: TRY400
            self._failing = True
            self._waiting.extendleft(reversed(batch))
            raise
        self._written.extend(ended.journal for ended in batch if ended.journal)


def _merge(alias: str, batch: Sequence[Ended]) -> None:
    try:
        for named, then in ((True, _NAMED), (False, _ENDED)):
            if rows := [ended.row for ended in batch if ended.named is named]:
                writes.run(alias, writes.merging(alias, Delivery, rows, HANDOVER, then))
    except (DataError, IntegrityError) as error:
        if len(batch) > 1:  # one of them is to blame, and the others must not wait for it for ever
            for ended in batch:
                _merge(alias, [ended])
        else:
            logger.error("a send cannot be written down: %s", type(error).__name__)  # noqa: TRY400  (may quote it)


def _alias() -> str:
    return router.db_for_write(Delivery)


@lru_cache(maxsize=1)
def _writer_of(_process: int) -> _Writer:
    return _Writer()


def current() -> _Writer:
    """A process that was forked begins with its own: what its parent has, its parent writes down."""
    return _writer_of(os.getpid())
