"""Issue, recognise and revoke what a client gets after sign-in. OTP_TOKEN_BACKEND names the backend.

Services, the API and the hosted page may call it.
"""

from typing import Any

from django.http import HttpRequest

from .. import accounts
from ..conf import conf, plugin
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
