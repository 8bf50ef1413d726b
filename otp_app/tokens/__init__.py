"""What a client gets after sign-in. The backend in force is chosen by OTP_TOKEN_BACKEND."""

from typing import Any

from ..conf import conf
from ..plugins import plugin
from .base import Issuing, TokenBackend
from .session import SessionTokens


def current() -> TokenBackend:
    backend: TokenBackend = plugin(conf.TOKEN_BACKEND)
    return backend


def issuing(backend: TokenBackend, alias: str) -> Issuing | None:
    """As the backend's own; one of a project's that does not know of it issues as it always has."""
    issue: Issuing | None = backend.issuing(alias) if hasattr(backend, "issuing") else None
    return issue


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
