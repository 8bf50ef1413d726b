"""Keep all processes from calling a provider that keeps failing: the circuit breaker.

A closed circuit carries messages. After OTP_CIRCUIT_FAILURES failures within OTP_CIRCUIT_PERIOD it is open for
OTP_CIRCUIT_PAUSE. Then it is half-open: one message tries it, and its outcome closes the circuit or opens it again. The
state is a counter's row in the database, which every process shares, whichever store the challenges are in.
"""

import logging
from collections.abc import Sequence
from math import ceil

from .. import counters, stores
from ..conf import conf
from ..counters import rings
from ..db import clock
from ..keys import ledger_id
from ..models import Counter

logger = logging.getLogger("otp_app.circuits")


def key_of(alias: str) -> str:
    """Return the key of the counter of a provider's failures."""
    return ledger_id("circuit", alias)


def may_carry(alias: str, now: int, blocked_until: int) -> bool:
    """Tell whether a provider may be called; a half-open circuit lets one caller through.

    ``now`` and ``blocked_until``, the end of the block in the provider's counter, are in milliseconds.
    """
    if not blocked_until:
        return True
    # The circuit is open again for all others. The database decides: the block in the store may be out of date.
    return blocked_until <= now and _open(alias, now, blocked_until__lte=now)


def record_failure(alias: str) -> None:
    """Count a failure of a provider; open its circuit at OTP_CIRCUIT_FAILURES."""
    failures = counters.count(counters.database(), key_of(alias), conf.CIRCUIT_PERIOD)
    now = clock.read_now(counters.database())
    if failures >= conf.CIRCUIT_FAILURES and _open(alias, now, blocked_until__lte=now):
        logger.warning("circuit opened for provider %s", alias)


def close(alias: str) -> None:
    """Close a half-open circuit, because the message that tried it was answered, and forget the failures."""
    with counters.changing(counters.database(), key_of(alias)) as counter:
        counter.blocked_until = 0
        rings.empty(counter, 0)
    stores.share_blocks({key_of(alias): 0})
    logger.info("circuit closed for provider %s", alias)


def seconds_until_retry(aliases: Sequence[str]) -> int:
    """Return the seconds until the first of these providers may be called again; 0 when one may be now."""
    if not aliases:
        return 0
    blocked = counters.blocks(counters.database(), keys := [key_of(alias) for alias in aliases])
    wait = min(blocked.get(key, 0) for key in keys) - clock.read_now(counters.database())
    return max(0, ceil(wait / 1000))


def _open(alias: str, now: int, **expected: int) -> bool:
    """Open the circuit if its counter is still as expected; True for the one caller who did."""
    until = now + conf.CIRCUIT_PAUSE * 1000
    rows = Counter.objects.using(counters.database()).filter(key=key_of(alias), **expected)
    opened = rows.update(blocked_until=until, expires_at=counters.expiry(until + counters.HOUR_MS)) == 1
    if opened:
        stores.share_blocks({key_of(alias): until})
    return opened
