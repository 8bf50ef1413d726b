"""Bring a committed send to its delivery, now or later, by the queue that OTP_QUEUE names.

Called by services; workers call the tasks. Calls delivery.
"""

from ..conf import conf, plugin
from .base import Queue


def current() -> Queue:
    """Return the queue that OTP_QUEUE names."""
    queue: Queue = plugin(conf.QUEUE)
    return queue
