"""Where challenges and counters live. The store in force is chosen by OTP_STORE."""

from ..conf import conf
from ..plugins import plugin
from .base import Store


def current() -> Store:
    store: Store = plugin(conf.STORE)
    return store
