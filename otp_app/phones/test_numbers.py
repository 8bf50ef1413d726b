"""Look up test numbers (OTP_TEST_NUMBERS): numbers with a fixed code, for app reviewers and end-to-end tests.

They get no messages and never sign in staff. An entry is valid until the end (UTC) of its day; then the number is like
any other. An entry without a day is valid for ever, which a check refuses in production.
"""

import re
from datetime import UTC, date, datetime

from ..conf import conf
from ..db import clock

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
FIELDS = frozenset(("code", "expires", "permit_real"))


def code_of(phone: str) -> str | None:
    """Return the fixed code of a number; None if it is no test number (any more)."""
    entry = conf.TEST_NUMBERS.get(phone)
    if entry is None:
        return None
    expires = entry.get("expires")
    today = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC).date()
    return str(entry["code"]) if expires is None or today <= as_date(expires) else None


def is_test_number(phone: str) -> bool:
    """Return whether a number is in OTP_TEST_NUMBERS and its entry is still valid."""
    return code_of(phone) is not None


def as_date(value: str | date) -> date:
    """Return the day of a date, a datetime or its ISO form; raise ValueError or TypeError for anything else."""
    if isinstance(value, datetime):
        return value.date()  # a datetime is a date too, but cannot be compared with one
    return value if isinstance(value, date) else date.fromisoformat(value)
