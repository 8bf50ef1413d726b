"""What a client gets after sign-in. The backend in force is chosen by OTP_TOKEN_BACKEND."""

from ..conf import conf
from ..plugins import plugin
from .base import TokenBackend


def current() -> TokenBackend:
    backend: TokenBackend = plugin(conf.TOKEN_BACKEND)
    return backend
