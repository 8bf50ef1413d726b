"""Declare the signals for the host project; docs/signals.md lists when each is sent, and with which arguments.

No flow of the app depends on them. All are sent by ``send_robust`` and after the commit: Django logs an error of a
receiver, with its traceback, by the logger ``django.dispatch``, and the error changes nothing else. So a receiver of
``signed_in`` cannot refuse a sign-in. To refuse one, deactivate the user, or raise ``InvalidOrExpiredCode`` in
``issue`` of your own token backend.
"""

import logging
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger("django.dispatch")


class _Signal(Signal):
    """Log the error of any receiver: Django's own log needs the name of a function, which a callable object lacks."""

    def _log_robust_failure(self, receiver: Any, err: Exception) -> None:
        name = getattr(receiver, "__qualname__", receiver)
        logger.error("Error calling %s in Signal.send_robust() (%s)", name, err, exc_info=err)


signed_up = _Signal()
signed_in = _Signal()
signed_out = _Signal()
account_deleted = _Signal()
phone_changed = _Signal()
limited = _Signal()
blocked = _Signal()
reported = _Signal()
