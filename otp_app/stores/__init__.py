"""Where challenges and counters live. The store in force is chosen by OTP_STORE."""

from functools import lru_cache

from django.utils.module_loading import import_string

from ..conf import conf
from .base import Store


def current() -> Store:
    return _make(conf.STORE)


@lru_cache(maxsize=4)
def _make(path: str) -> Store:
    store: Store = import_string(path)()
    return store
