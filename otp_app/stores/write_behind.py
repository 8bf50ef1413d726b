"""Write the outcomes of sends to the database in batches, a moment after their requests were answered.

::

    put ── OTP_WRITE_BEHIND later, in a thread ── flush ── one statement for all
                                                   └─ failed: kept, and ``require`` lets nobody send until it works

That a send began is written down before any provider is asked: in its row, or in the journal of the Redis store. So a
process that dies loses an outcome, never the fact that there was a send: the send becomes *unknown*.
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

from django.db import DataError, IntegrityError, OperationalError, connections

from ..conf import conf
from ..db import writes
from ..models import Delivery
from .outbox import database

logger = logging.getLogger("otp_app.stores.behind")

_MAX_ROWS = 500  # rows of a statement
_MAX_WAITING = 10 * _MAX_ROWS  # sends that wait while a database hangs, before no more of them are begun
_RETRY_MS = 1000  # milliseconds between the tries of the thread while the database fails

# A report may have come first: then its status stands, and the outcome adds what the report lacks.
_MOVES = "{{table}}.status IN ({})".format(", ".join(f"'{status}'" for status in Delivery.PREDECESSORS["sent"]))
_SET_OUTCOME = f"""
status = CASE WHEN {_MOVES} THEN excluded.status ELSE {{table}}.status END,
error = CASE WHEN {_MOVES} THEN excluded.error ELSE {{table}}.error END,
updated_at = CASE WHEN {_MOVES} THEN excluded.updated_at ELSE {{table}}.updated_at END,
segments = CASE WHEN {_MOVES} OR {{table}}.price IS NULL THEN excluded.segments ELSE {{table}}.segments END,
price = CASE WHEN {_MOVES} THEN excluded.price ELSE COALESCE({{table}}.price, excluded.price) END,
latency = excluded.latency
""".format(table=Delivery._meta.db_table)
_SET_OUTCOME_AND_REFERENCE = (
    f"{_SET_OUTCOME}, reference = excluded.reference"  # without a reference of the provider's, the one in the row stays
)
HANDOVER = ("challenge", "sent_at", "handover")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold the whole row of a delivery whose outcome is known, and its entry in a journal (empty: none)."""

    row: Mapping[str, Any]
    journal: str = ""
    named: bool = True  # its reference is the provider's own


class _Buffer:
    """Keep the outcomes of one process in a buffer, and write them from one thread."""

    def __init__(self) -> None:
        self._waiting = deque[Outcome]()
        self._written = deque[str](maxlen=100_000)  # entries of the journal; what is dropped, a sweep finds
        self._turn = threading.Lock()
        self._asked = threading.Event()
        self._thread = ThreadPoolExecutor(1, "otp-behind")  # the process waits for it at its end
        self._failing = False

    def put(self, outcome: Outcome) -> None:
        """Add an outcome to the buffer. Never raise, because the message has left, whatever becomes of its record."""
        self._waiting.append(outcome)
        if not conf.WRITE_BEHIND:
            self._try()
        else:
            self._ask()

    def begin(self, outcome: Outcome) -> bool:
        """Write a row at once, for a send with an unexpected outcome; return False when the row exists already."""
        begun = writes.run(database(), writes.merging(database(), Delivery, [outcome.row], HANDOVER))
        self.forget(outcome.journal)
        return bool(begun)

    def forget(self, entry: str) -> None:
        self._written.append(entry)

    def require(self) -> None:
        """Raise the database's error as long as writing fails. One caller tries again; others do not wait."""
        if not self._failing and len(self._waiting) < _MAX_WAITING:
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
        while batch := [self._waiting.popleft() for _ in range(min(_MAX_ROWS, len(self._waiting)))]:
            self._write(batch)
        self._failing = False

    def written(self, most: int) -> list[str]:
        """Return up to ``most`` entries that the journal need no longer keep; return each entry once."""
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
        time.sleep((_RETRY_MS if self._failing else conf.WRITE_BEHIND) / 1000)
        self._asked.clear()
        try:
            connections[database()].close_if_unusable_or_obsolete()
            self._try()
        finally:
            connections[database()].close_if_unusable_or_obsolete()  # or it goes back to its pool only with the next
        if self._failing:
            self._ask()

    def _try(self) -> None:
        with suppress(Exception):  # it is logged, and what was not written is kept
            self.flush()

    def _write(self, batch: Sequence[Outcome]) -> None:
        try:
            _merge(database(), batch)
        except BaseException as error:
            logger.error("%d sends are not written down yet: %s", len(batch), type(error).__name__)  # noqa: TRY400
            self._failing = True
            self._waiting.extendleft(reversed(batch))
            raise
        self._written.extend(outcome.journal for outcome in batch if outcome.journal)


def _merge(alias: str, batch: Sequence[Outcome]) -> None:
    try:
        for named, then in ((True, _SET_OUTCOME_AND_REFERENCE), (False, _SET_OUTCOME)):
            if rows := [outcome.row for outcome in batch if outcome.named is named]:
                writes.run(alias, writes.merging(alias, Delivery, rows, HANDOVER, then))
    except (DataError, IntegrityError) as error:
        if len(batch) > 1:  # one of them is to blame, and the others must not wait for it for ever
            for outcome in batch:
                _merge(alias, [outcome])
        else:
            logger.error("a send cannot be written down: %s", type(error).__name__)  # noqa: TRY400  (may quote it)


@lru_cache(maxsize=1)
def _buffer_of(_process: int) -> _Buffer:
    return _Buffer()


def current() -> _Buffer:
    """Return the buffer of this process. A forked process begins with an empty one: its parent writes its own."""
    return _buffer_of(os.getpid())
