"""What was left lying: sends that nobody took on are driven again, hand-overs that never ended are given up.

The rows of deliveries, committed with their challenges, are all a sweep goes by. So it makes good whatever a queue
lost, needs no broker to do it, and two at once are harmless: whoever takes a row on first is the only one to call the
provider.
"""

import logging
import threading
import time
from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connections

from .. import counters, stores, tokens
from ..accounts import authorization_codes
from ..conf import conf
from ..db import clock
from ..db.transactions import require_none
from ..keys import ledger_id
from . import dispatch, records, reports

logger = logging.getLogger("otp_app.sweeps")

GRACE = 5_000  # milliseconds that whoever has just committed a send has for taking it on
BATCH = 200
LONGEST = 10  # seconds after which a sweep begins nothing more; the next one goes on


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did."""

    driven: int  # challenges whose newest send was handed over, or ended because it is of no use any more
    failed: int  # those where that raised; they stay queued for the next sweep
    abandoned: int  # hand-overs given up as unknown
    matched: int  # reports that had come before their delivery was known by that name


def sweep(stop: threading.Event | None = None) -> Swept:
    """Drive what is overdue, a bounded number at once, for ``LONGEST`` or until ``stop`` is set.

    Raises what the database or the store raises when it cannot be reached.
    """
    # Hand-overs are taken on by the clock of their database, sends are counted by that of the store.
    abandoned = records.abandon(clock.read_now(records.database()) - conf.LEASE * 1000)
    abandoned += stores.current().settle()
    if abandoned:
        logger.warning("%d hand-overs given up as unknown", abandoned)
    before, until = stores.current().now() - GRACE, time.monotonic() + LONGEST
    seen: set[str] = set()
    ends = Tally[bool | None]()

    def drive_in_time(challenge_id: str) -> bool | None:
        if time.monotonic() > until or (stop and stop.is_set()):
            return None
        try:
            return drive(challenge_id)
        finally:
            connections.close_all()  # of this thread, which nobody else does it for

    # Half of the calls that a process may make at once: the other half is for whoever is told of a send meanwhile.
    with ThreadPoolExecutor(max(1, conf.PROVIDER_CALLS // 2), thread_name_prefix="otp-sweep") as pool:
        while not ends[None] and (batch := _overdue(before, seen)):
            seen.update(batch)
            ends.update(pool.map(drive_in_time, batch))
    swept = Swept(driven=ends[True], failed=ends[False], abandoned=abandoned, matched=reports.match_early())
    _remember("sweep")
    return swept


def drive(challenge_id: str) -> bool:
    """Deliver, whatever happens: for workers, who have nobody to tell. Whether it came to an end of some kind."""
    try:
        # A worker that wraps its tasks in transactions would take a hand-over on, call, and have it all rolled back.
        require_none(records.database())
        dispatch.deliver(challenge_id)
    except Exception as error:  # noqa: BLE001
        # One bad row must not hold up the rest; it stays queued. Only the type is logged: a text may quote the phone.
        logger.error("not delivered, to be swept: %s", type(error).__name__)  # noqa: TRY400  (a traceback may, too)
        return False
    return True


def purge() -> tuple[int, int]:
    """Delete what no longer counts; how many challenges, and tokens and sessions, that were."""
    authorization_codes.purge(stores.current().now())
    purged = stores.current().purge(), tokens.purge()
    _remember("purge")
    return purged


def last_run(name: str) -> int:
    """Return when the last ``sweep`` or ``purge`` ended, by the database's clock; 0: never, or forgotten by now."""
    return counters.blocks(records.database(), [_run_key(name)]).get(_run_key(name), 0)


def _remember(name: str) -> None:
    """Write down when it was, as the end of a block."""
    counters.block(records.database(), _run_key(name), clock.read_now(records.database()))


def _run_key(name: str) -> str:
    return ledger_id("run", name)


def _overdue(before: int, seen: set[str]) -> list[str]:
    """The next ones. What failed is still there, so we ask for as many more as we have seen."""
    found = records.overdue(before, len(seen) + BATCH)
    return [challenge_id for challenge_id in dict.fromkeys(found) if challenge_id not in seen]
