"""Sweep: deliver sends that no worker claimed, and give up delivery attempts that never ended.

A sweep reads the rows of deliveries, which are committed with their challenges, and nothing else. So it delivers
whatever a queue lost, needs no broker, and two sweeps at once are harmless: whoever claims a row first is the only one
to call the provider.
"""

import logging
import threading
import time
from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db import connections

from .. import counters, notices, stores, tokens
from ..accounts import authorization_codes, confirmations, events, notifications, number_changes, recoveries
from ..conf import conf
from ..db import clock
from ..db.transactions import require_none
from ..factors import authenticators, emails
from ..keys import ledger_id
from ..models import Delivery
from . import dispatch, records, reports, shared_limits

logger = logging.getLogger("otp_app.sweeps")

CLAIM_GRACE_MS = 5_000  # that a queue has to claim a send before a sweep does
BATCH_CHALLENGES = 200
MAX_SILENT_SECONDS = 600  # without a sweep; longer is a mistake in the setup
MAX_SWEEP_SECONDS = 10  # after which a sweep begins nothing more; the next one goes on
_NO_SWEEP = (
    "manage.py otp_sweep has not run for %d min. What a killed process has left behind stays there until it runs: have "
    "a process of its own (--every=10), a timer or Celery's beat run it every few seconds."
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Count what a sweep did."""

    attempted: int  # challenges whose newest send was attempted, or ended as late, closed or expired
    failed: int  # challenges where delivery raised; they stay queued for the next sweep
    abandoned: int  # delivery attempts given up as unknown
    matched: int  # reports that had come before the provider's id of their message was recorded


def sweep(stop: threading.Event | None = None) -> Sweep:
    """Deliver overdue sends, a bounded number at once, for MAX_SWEEP_SECONDS or until ``stop`` is set.

    Raises what the database or the store raises when it cannot be reached.
    """
    # Attempts are claimed by the clock of their database, sends are counted by the clock of the store.
    abandoned = records.abandon(clock.read_now(records.database()) - conf.LEASE * 1000)
    abandoned += stores.current().settle()
    if abandoned:
        logger.warning("%d delivery attempts given up as unknown", abandoned)
    before, until = stores.current().now() - CLAIM_GRACE_MS, time.monotonic() + MAX_SWEEP_SECONDS
    seen: set[str] = set()
    ends = Tally[bool | None]()

    def deliver_in_time(challenge_id: str) -> bool | None:
        if time.monotonic() > until or (stop and stop.is_set()):
            return None
        try:
            return deliver_safely(challenge_id)
        finally:
            connections.close_all()  # of this thread: Django closes only those of requests

    # Half of the calls that a process may make at once: the other half is for sends that come meanwhile.
    with ThreadPoolExecutor(max(1, conf.PROVIDER_CALLS // 2), thread_name_prefix="otp-sweep") as pool:
        while not ends[None] and (batch := _overdue(before, seen)):
            seen.update(batch)
            ends.update(pool.map(deliver_in_time, batch))
    swept = Sweep(attempted=ends[True], failed=ends[False], abandoned=abandoned, matched=reports.match_early())
    shared_limits.warn()
    _record_run("sweep")
    return swept


def deliver_safely(challenge_id: str) -> bool:
    """Deliver a challenge's newest send, for workers; log an error and return False where delivery raises."""
    try:
        # A worker that wraps its tasks in transactions would claim, call the provider, and roll the claim back.
        require_none(records.database())
        dispatch.deliver(challenge_id)
    except Exception as error:  # noqa: BLE001
        # One bad row must not hold up the rest; it stays queued. Only the type is logged: a text may quote the phone.
        logger.error("not delivered, to be swept: %s", type(error).__name__)  # noqa: TRY400  (a traceback may, too)
        return False
    return True


def purge() -> tuple[int, int]:
    """Delete what has expired; return how many challenges, and how many tokens and sessions, that were."""
    now = stores.current().now()
    authorization_codes.purge(now)
    confirmations.purge(now)
    authenticators.purge()
    emails.purge(now)
    events.purge(now)
    notifications.purge(now)
    number_changes.purge(now)
    recoveries.purge(now)
    purged = stores.current().purge(), tokens.purge()
    _record_run("purge")
    return purged


def last_run(name: str) -> int:
    """Return when the last ``sweep`` or ``purge`` ended, in milliseconds by the database's clock; 0 when unknown."""
    return counters.blocks(counters.database(), [_run_key(name)]).get(_run_key(name), 0)


def silent_seconds(name: str) -> int:
    """Return for how long a run is missing: since the last one, and since there was something to do for it."""
    now = clock.read_now(counters.database())
    oldest = Delivery.objects.order_by("sent_at").values_list("sent_at", flat=True).first() or now
    return max(0, now - max(last_run(name), oldest)) // 1000


def warn_of_silence() -> None:
    """Warn that no sweep runs, unless that is nobody's mistake: in development, or before the first send."""
    if not settings.DEBUG and (silent := silent_seconds("sweep")) > MAX_SILENT_SECONDS:
        notices.warn(logger, _NO_SWEEP, silent // 60)


def _record_run(name: str) -> None:
    """Record that a run ended now, as the end of a block."""
    counters.block(counters.database(), _run_key(name), clock.read_now(counters.database()))


def _run_key(name: str) -> str:
    return ledger_id("run", name)


def _overdue(before: int, seen: set[str]) -> list[str]:
    """Return the next batch of overdue challenges. The query is larger because those that failed are still there."""
    found = records.overdue(before, len(seen) + BATCH_CHALLENGES)
    return [challenge_id for challenge_id in dict.fromkeys(found) if challenge_id not in seen]
