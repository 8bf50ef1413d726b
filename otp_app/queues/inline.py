"""Delivers inside the request, so that it can answer with the outcome."""

from ..challenges import Grant
from ..delivery import dispatch


class InlineQueue:
    """The default: nothing else has to run."""

    at_once = True

    def enqueue(self, grant: Grant) -> None:
        dispatch.dispatch(grant)
