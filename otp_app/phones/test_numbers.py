"""Numbers with a fixed code, for reviewers of app stores and end-to-end tests: OTP_TEST_NUMBERS.

Nothing is ever sent to them, and they sign in nobody who is staff. An entry is good until the end (UTC) of the day it
names; without a day it is good for ever, which a check refuses in production. Afterwards the number is like any other.
"""

import re
from datetime import UTC, date, datetime

from ..conf import conf
from ..db import clock

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
FIELDS = frozenset(("code", "expires", "permit_real"))


def code_of(phone: str) -> str | None:
    """The fixed code of a number in E.164; None when it is no test number, or no longer."""
    entry = conf.TEST_NUMBERS.get(phone)
    if entry is None:
        return None
    expires = entry.get("expires")
    today = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC).date()
    return str(entry["code"]) if expires is None or today <= as_date(expires) else None


def is_one(phone: str) -> bool:
    return code_of(phone) is not None


def as_date(value: str | date) -> date:
    """The day of a date, a date-time or its ISO form. ValueError or TypeError for what is none."""
    if isinstance(value, datetime):
        return value.date()  # a datetime is a date too, but cannot be compared with one
    return value if isinstance(value, date) else date.fromisoformat(value)
