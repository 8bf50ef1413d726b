"""How a send gets to its delivery. The queue in force is chosen by OTP_QUEUE."""

from ..conf import conf, plugin
from .base import Queue


def current() -> Queue:
    queue: Queue = plugin(conf.QUEUE)
    return queue
