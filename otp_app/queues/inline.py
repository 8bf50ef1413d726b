"""Delivers inside the request, so that it can answer with the outcome."""

from .. import deliveries, roads
from ..challenges import Grant


class InlineQueue:
    """The default: nothing else has to run."""

    claiming = staticmethod(roads.claiming)

    def enqueue(self, grant: Grant) -> None:
        deliveries.dispatch(grant)
