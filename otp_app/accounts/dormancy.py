"""Tell which accounts are dormant: idle so long that the number may belong to somebody else by now.

Carriers give a number out again some months after its owner has left it. ``last_login`` tells the last use: a sign-in
writes it, and so does the use of a token or session, once a day.
"""

from datetime import datetime, timedelta
from typing import Any

from .. import factors
from ..conf import conf
from ..db import clock
from ..errors import IsThisYou
from .adapter import is_idle

__all__ = ["idle_before", "is_idle", "question"]


def idle_before() -> datetime | None:
    """Return the instant such that whoever was last there before it is idle; None if OTP_DORMANT_DAYS is 0."""
    return clock.instant() - timedelta(days=conf.DORMANT_DAYS) if conf.DORMANT_DAYS else None


def question(user: Any, *, moved: bool = False) -> IsThisYou:
    """Return the question whether the account of a user is the person's; ``moved``, because the number has moved.

    The year in which the account began tells its owner which account is meant, and a stranger nothing of its owner.
    """
    joined: datetime | None = getattr(user, "date_joined", None)
    return IsThisYou(factors.offered(user), joined.year if joined else None, moved=moved)
