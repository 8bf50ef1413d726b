"""What a client gets after sign-in. The backend in force is chosen by OTP_TOKEN_BACKEND."""

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
    """Prepare what the backend can; one of a project's that does not know of it issues as it always has."""
    return backend.issuing() if hasattr(backend, "issuing") else None


def issue(backend: TokenBackend, user: Any, request: HttpRequest | None) -> Issued:
    """Issue what the backend has for a user who signs in. Django itself records the sign-in that begins a session."""
    before = accounts.last_login(user)
    issued = backend.issue(user, request)
    if accounts.last_login(user) == before:
        accounts.record_sign_in(user)
    return issued


def revoke_all(user: Any) -> None:
    """End whatever the user is signed in by."""
    for backend in _in_use():
        backend.revoke_all(user)


def purge() -> int:
    """Delete what has expired; how many."""
    return sum(backend.purge() for backend in _in_use())


def _in_use() -> list[TokenBackend]:
    """The hosted page begins sessions, whichever backend is in force."""
    return [current()] if current().ambient else [current(), SessionTokens()]
