"""A provider that keeps failing is left alone for a while, by all processes: the circuit breaker.

Closed, it carries messages. After OTP_CIRCUIT_FAILURES failures within OTP_CIRCUIT_PERIOD it is open for
OTP_CIRCUIT_PAUSE. Then it is half-open: one message tries it, and its outcome closes the circuit or opens it again. The
state is a counter's row in the database, which every process shares, whichever store the challenges are in.
"""

import logging
from collections.abc import Sequence

from django.db import router

from .. import counters, stores
from ..conf import conf
from ..counters import rings
from ..db import clock
from ..keys import ledger_id
from ..models import Counter

logger = logging.getLogger("otp_app.circuits")


def key_of(alias: str) -> str:
    """Under which name a provider's failures are counted."""
    return ledger_id("circuit", alias)


def may_carry(alias: str, now: int, blocked_until: int) -> bool:
    """Whether a provider may be asked, by the state of its counter; of a half-open circuit, whether we are the one."""
    if not blocked_until:
        return True
    # Whoever fails from now on finds it open again. By what the database says: the store may not have been told.
    return blocked_until <= now and _open(alias, now, blocked_until__lte=now)


def failed(alias: str) -> None:
    """Count a failure; open the circuit when there have been enough."""
    failures = counters.count(_database(), key_of(alias), conf.CIRCUIT_PERIOD)
    now = clock.read_now(_database())
    if failures >= conf.CIRCUIT_FAILURES and _open(alias, now, blocked_until__lte=now):
        logger.warning("circuit opened for provider %s", alias)


def worked(alias: str) -> None:
    """The one message that tried a half-open circuit was answered: close it."""
    with counters.changing(_database(), key_of(alias)) as counter:
        counter.blocked_until = 0
        rings.empty(counter, 0)
    stores.share_blocks({key_of(alias): 0})
    logger.info("circuit closed for provider %s", alias)


def pause(aliases: Sequence[str]) -> int:
    """Seconds until the first of these providers may be asked again; 0 when one may be now."""
    if not aliases:
        return 0
    blocked = counters.blocks(_database(), keys := [key_of(alias) for alias in aliases])
    wait = min(blocked.get(key, 0) for key in keys) - clock.read_now(_database())
    return max(0, -(-wait // 1000))


def _open(alias: str, now: int, **seen: int) -> bool:
    """True for the one caller who still found it as it was seen."""
    until = now + conf.CIRCUIT_PAUSE * 1000
    rows = Counter.objects.using(_database()).filter(key=key_of(alias), **seen)
    opened = rows.update(blocked_until=until, expires_at=counters.expiry(until + counters.HOUR)) == 1
    if opened:
        stores.share_blocks({key_of(alias): until})
    return opened


def _database() -> str:
    return router.db_for_write(Counter)
