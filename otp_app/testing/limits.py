"""Put the limits out of the way of tests that are not about them."""

from contextlib import AbstractContextManager

from ..limits.table import TABLE
from ..limits.values import Counts
from .in_force import in_force

PLENTY = 10_000  # more than any test takes


def unlimited() -> AbstractContextManager[object]:
    """Return a context manager, or decorator, for whose time no amount is used up, no wait begun, no proof asked for.

    What a challenge allows (checks, sends, lifetime) and a project's own OTP_RULES stay in force.
    """
    amounts = {
        f"OTP_{rule.name.upper()}": PLENTY
        for rule in TABLE
        if rule.amount is None and rule.counts is not Counts.WAITS and rule.per != "site"
    }
    # A budget of 0 is none.
    return in_force(**amounts | {"OTP_WAITS": (), "OTP_BUDGET_PER_DAY": 0, "OTP_PROOFS": False})
