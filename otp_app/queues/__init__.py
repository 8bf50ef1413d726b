"""How a send gets to its delivery. The queue in force is chosen by OTP_QUEUE."""

from functools import lru_cache

from django.utils.module_loading import import_string

from ..conf import conf
from .base import Queue


def current() -> Queue:
    return _make(conf.QUEUE)


@lru_cache(maxsize=4)
def _make(path: str) -> Queue:
    queue: Queue = import_string(path)()
    return queue
