"""What a client gets after sign-in. The backend in force is chosen by OTP_TOKEN_BACKEND."""

from typing import Any

from ..conf import conf
from ..plugins import plugin
from .base import TokenBackend
from .session import SessionTokens


def current() -> TokenBackend:
    backend: TokenBackend = plugin(conf.TOKEN_BACKEND)
    return backend


def revoke_all(user: Any) -> None:
    """End whatever the user is signed in by: the hosted page begins sessions, whichever backend is in force."""
    current().revoke_all(user)
    if not current().ambient:
        SessionTokens().revoke_all(user)
