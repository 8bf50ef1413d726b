"""Issue, recognise and revoke what a client gets after sign-in. OTP_TOKEN_BACKEND names the backend.

Services, the API and the hosted page may call it.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .. import accounts, staff
from ..conf import conf, plugin
from ..errors import InvalidOrExpiredCode
from ..phones import Phone
from .base import Issued, Issuing, TokenBackend
from .session import SessionTokens


def current() -> TokenBackend:
    backend: TokenBackend = plugin(conf.TOKEN_BACKEND)
    return backend


def issuing(backend: TokenBackend) -> Issuing | None:
    """Return the token that the backend prepares before the user is known; None if it cannot."""
    # The method is optional: a project's own backend may be older than it.
    return backend.issuing() if hasattr(backend, "issuing") else None


def issue(backend: TokenBackend, user: Any, request: HttpRequest | None) -> Issued:
    """Issue a token to a user who signs in, and record the sign-in unless that has happened, as for sessions."""
    before = accounts.last_login(user)
    issued = backend.issue(user, request)
    if accounts.last_login(user) == before:
        accounts.record_sign_in(user)
    return issued


def sign_in(
    phone: Phone, backend: TokenBackend, request: HttpRequest | None, profile: Mapping[str, Any]
) -> tuple[Any, bool, Issued]:
    """Return the user of a verified phone, whether the user is new, and the token.

    For a known user one statement finds the user and writes the token, if the backend's tokens are rows. Raise
    InvalidOrExpiredCode for a deactivated user, and for whoever may not sign up.
    """
    user, is_new, issued = None, False, None
    if not phone.is_test and accounts.is_default("find") and (token := issuing(backend)):
        user = accounts.find_and_sign_in(phone, token.model, token.row)
        issued = token.issued if user else None
    if not user and not (user := accounts.current().find(phone, request)):
        user, is_new = accounts.sign_up(phone, request, profile)
    if not user.is_active or (phone.is_test and staff.is_staff(user)):
        raise InvalidOrExpiredCode
    return user, is_new, issued or issue(backend, user, request)


def revoke_all(user: Any) -> None:
    """Revoke all tokens and sessions of a user."""
    for backend in _in_use():
        backend.revoke_all(user)


def purge() -> int:
    """Delete tokens and sessions that have expired, and return how many."""
    return sum(backend.purge() for backend in _in_use())


def _in_use() -> list[TokenBackend]:
    """Return the backend in force, and that of sessions, because the hosted page always begins sessions."""
    return [current()] if current().ambient else [current(), SessionTokens()]
