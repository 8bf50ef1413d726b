"""Bring a committed send to its delivery, now or later, by the queue that OTP_QUEUE names.

Called by services; workers call the tasks. Calls delivery.
"""

from .. import accounts
from ..challenges import Claim, Grant
from ..conf import conf, plugin
from ..delivery import dispatch, routing
from . import background
from .base import Queue


def current() -> Queue:
    """Return the queue that OTP_QUEUE names."""
    queue: Queue = plugin(conf.QUEUE)
    return queue


def claims(phone: str, channel: str, *, withheld: bool = False) -> dict[str, Claim] | None:
    """Return what a send is claimed with (``routing.claims``), or None if a worker claims it later.

    A send that is ``withheld`` is claimed at once, so that no worker and no sweep delivers it.
    """
    return routing.claims(phone, channel, withheld=withheld) if current().at_once or withheld else None


def enqueue(grant: Grant, *, withheld: bool = False) -> None:
    """Hand a send to the queue, or record it as sent if it is ``withheld``; raise what the queue raises.

    Where sign-ups are not public both happen after the answer, so that neither time nor errors tell one from the other.
    """
    if accounts.are_public():
        current().enqueue(grant)
    else:
        background.run(dispatch.withhold if withheld else current().enqueue, grant)
