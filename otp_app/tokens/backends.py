"""Find the token backends whose tokens and sessions are valid."""

from ..conf import conf, plugin
from .base import TokenBackend
from .session import SessionTokens


def current() -> TokenBackend:
    """Return the backend that OTP_TOKEN_BACKEND names."""
    backend: TokenBackend = plugin(conf.TOKEN_BACKEND)
    return backend


def in_use() -> list[TokenBackend]:
    """Return the backend in force, and that of sessions, because the hosted page always begins sessions."""
    return [current()] if current().ambient else [current(), SessionTokens()]
