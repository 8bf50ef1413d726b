"""Delivers inside the request, so that it can answer with the outcome."""

from .. import deliveries
from ..challenges import Grant


class InlineQueue:
    """The default: nothing else has to run."""

    at_once = True

    def enqueue(self, grant: Grant) -> None:
        deliveries.dispatch(grant)
