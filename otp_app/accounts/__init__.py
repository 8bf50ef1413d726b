"""The account behind a number: its user, its known devices, the codes it carries to other sites.

Called by services, tokens, the API and the page.
"""

from .adapter import database, found, last_login, logger, phone_field, phone_of, record_sign_in, user_for

__all__ = [
    "database",
    "found",
    "last_login",
    "logger",
    "phone_field",
    "phone_of",
    "record_sign_in",
    "user_for",
]
