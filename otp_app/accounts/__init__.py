"""Hold what belongs to the account of a phone: its user, known devices, authorization codes, confirmations.

::

    Accounts     what a project may replace (OTP_ACCOUNTS); its defaults, for any user model, are in :mod:`.adapter`
    newcomers    around it: who may sign up, and one user for two first sign-ins at once
    profiles     the members of a sign-up, validated before a check is spent

Services, tokens, the API and the hosted page may call it.
"""

from typing import Any

from .accounts import Accounts, current, is_default
from .adapter import (
    REFUSALS,
    database,
    find_and_sign_in,
    language_of,
    last_login,
    lock,
    phone_field,
    record_sign_in,
    record_use,
)
from .newcomers import are_public, logger, may_get_in, sign_up, user_for

__all__ = [
    "REFUSALS",
    "Accounts",
    "are_public",
    "current",
    "database",
    "find_and_sign_in",
    "is_default",
    "language_of",
    "last_login",
    "lock",
    "logger",
    "may_get_in",
    "phone_field",
    "phone_of",
    "record_sign_in",
    "record_use",
    "sign_up",
    "user_for",
]


def phone_of(user: Any) -> str:
    """Return the phone of a user as the class in force knows it; empty when there is none."""
    return current().phone_of(user)
