"""Tell whose number may be another's by now though the account is not dormant, and keep what a company said of it.

An answer is about the time since the account was last used, and worth nothing after the next use.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import router

from ..conf import conf
from ..db import clock
from ..keys import phone_key
from ..models import LineLookup
from ..providers.line_checks import LINE_TYPES, Line
from .adapter import is_idle, last_login

Finding = LineLookup.Finding
MOVED = (Finding.SIM_SWAPPED, Finding.REASSIGNED)
_DAY_MS = 24 * 3_600_000


def doubtful_since(user: Any) -> int | None:
    """Return when a user was last there, in milliseconds; None if that was so lately that the number is still theirs.

    Without OTP_LINE_CHECK no number is doubtful, nor is that of a user who was never there.
    """
    idle_before = clock.instant() - timedelta(days=conf.LINE_CHECK_IDLE_DAYS)
    used = last_login(user)
    if not conf.LINE_CHECK or used is None or not is_idle(user, idle_before):
        return None
    return int(used.timestamp() * 1000)


def kept(phone: str, since: int) -> str:
    """Return the newest finding about a phone; empty if it is older than ``since``, or than OTP_LINE_CHECK_DAYS."""
    after = max(since, clock.milliseconds() - conf.LINE_CHECK_DAYS * _DAY_MS)
    rows = LineLookup.objects.using(_database()).filter(phone=phone_key(phone), at__gt=after)
    return rows.order_by("-at").values_list("finding", flat=True).first() or ""


def keep(phone: str, line: Line, at: int, price: Decimal | None) -> str:
    """Keep what was asked at ``at``, and return the finding."""
    line_type = line.line_type if line.line_type in LINE_TYPES else ""
    row = LineLookup(phone=phone_key(phone), at=at, finding=_finding(line), line_type=line_type, price=price)
    row.save(using=_database())
    return row.finding


def have_moved(user: Any, phone: str) -> bool:
    """Return whether it is known that the number of a user has moved since the user was last there. Ask nobody."""
    since = doubtful_since(user)
    return since is not None and kept(phone, since) in MOVED


def forget(phone: str) -> None:
    """Take a phone out of what is kept; what the answers have cost stays."""
    LineLookup.objects.using(_database()).filter(phone=phone_key(phone)).update(phone=None)


def _finding(line: Line) -> str:
    if line.reassigned:
        return Finding.REASSIGNED
    if line.sim_swapped:
        return Finding.SIM_SWAPPED
    return Finding.UNKNOWN if line.reassigned is line.sim_swapped is None else Finding.SAME


def _database() -> str:
    return router.db_for_write(LineLookup)
