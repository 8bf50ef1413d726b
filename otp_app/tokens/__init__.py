"""What a client gets after sign-in. The backend in force is chosen by OTP_TOKEN_BACKEND."""

from functools import lru_cache

from django.utils.module_loading import import_string

from ..conf import conf
from .base import TokenBackend


def current() -> TokenBackend:
    return _make(conf.TOKEN_BACKEND)


@lru_cache(maxsize=4)
def _make(path: str) -> TokenBackend:
    backend: TokenBackend = import_string(path)()
    return backend
