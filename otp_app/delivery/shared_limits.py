"""Warn before a limit is used up that all requests share, or all of a country: from then on it refuses people."""

import logging

from phonenumbers import SUPPORTED_REGIONS

from .. import counters, phones, stores
from ..db import clock
from ..keys import ledger_id
from ..limits import DAY, request_limits
from ..limits.values import Counts

logger = logging.getLogger("otp_app.limits")

NOTABLE_PERCENT, USED_UP_PERCENT = 40, 99  # the last percent of a budget may be too little for a message
_LEVELS = {USED_UP_PERCENT: logging.ERROR, 80: logging.WARNING, NOTABLE_PERCENT: logging.WARNING}
_TEXT = "%d %% of %s is used. Beyond it sends are refused: raise it, or find out who sends so much (otp_report)."


def used_percents() -> dict[str, int]:
    """Return how much of each shared limit the last 24 hours have used, by its setting and its country."""
    served = phones.allowed_regions()
    limits = request_limits.shared(SUPPORTED_REGIONS if "*" in served else served)
    used = {}
    for usage in stores.current().usage(limits):
        subject = f" for {usage.limit.subject}" if usage.limit.subject.startswith("region ") else ""
        if usage.limit.counts is Counts.KEY:
            used[f"OTP_{usage.limit.name.upper()}{subject}"] = 100 * usage.used // usage.amount
    return used


def warn() -> None:
    """Log once a day for each limit that it is used to 40 or 80 percent, and once that it is used up."""
    for name, percent in used_percents().items():
        reached = next((level for level in _LEVELS if percent >= level), 0)
        if reached and _is_first_today(name, reached):
            logger.log(_LEVELS[reached], _TEXT, percent, name)


def _is_first_today(name: str, percent: int) -> bool:
    """Return whether nobody has been warned at this percentage for a day, and remember it as a block of that day."""
    alias, key = counters.database(), ledger_id("shared limit", f"{name} {percent}")
    now = clock.read_now(alias)
    if counters.blocks(alias, [key]).get(key, 0) > now:
        return False
    counters.block(alias, key, now + DAY * 1000)
    return True
