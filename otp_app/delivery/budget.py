"""Warn before OTP_BUDGET_PER_DAY is used up, because from then on nobody gets a code."""

import logging

from .. import counters, stores
from ..conf import conf
from ..db import clock
from ..keys import ledger_id
from ..limits import DAY, request_limits

logger = logging.getLogger("otp_app.budget")

NEARLY_PERCENT, USED_UP_PERCENT = 80, 99  # the last percent may be too little for a message
_ANY_PHONE = "+998901234567"  # the budget is that of all requests


def used_percent() -> int:
    """Return how much of the budget the messages of the last 24 hours have used; 0 without a budget."""
    limits = request_limits.for_send(_ANY_PHONE, None, device="any", price=1).limits
    (usage,) = stores.current().usage([limit for limit in limits if limit.name == "budget_per_day"])
    return 100 * usage.used // usage.amount


def warn() -> None:
    """Log once a day that the budget is nearly used up, and once that it is; nothing without a budget."""
    if not conf.BUDGET_PER_DAY:
        return
    used = used_percent()
    text = "%d %% of OTP_BUDGET_PER_DAY is used. Beyond it nobody gets a code: raise it, or find out who sends so much."
    if used >= USED_UP_PERCENT and _is_first_today(USED_UP_PERCENT):
        logger.error(text, used)
    elif USED_UP_PERCENT > used >= NEARLY_PERCENT and _is_first_today(NEARLY_PERCENT):
        logger.warning(text, used)


def _is_first_today(percent: int) -> bool:
    """Return whether nobody has been warned at this percentage for a day, and remember it as a block of that day."""
    alias, key = counters.database(), ledger_id("budget", str(percent))
    now = clock.read_now(alias)
    if counters.blocks(alias, [key]).get(key, 0) > now:
        return False
    counters.block(alias, key, now + DAY * 1000)
    return True
