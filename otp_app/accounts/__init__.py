"""Hold what belongs to the account of a phone: its user, its known devices, its authorization codes for other sites.

Services, tokens, the API and the hosted page may call it.
"""

from .adapter import database, find_and_sign_in, last_login, logger, phone_field, phone_of, record_sign_in, user_for

__all__ = [
    "database",
    "find_and_sign_in",
    "last_login",
    "logger",
    "phone_field",
    "phone_of",
    "record_sign_in",
    "user_for",
]
