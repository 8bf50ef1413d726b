"""Deliver inside the request, so that the answer can tell the outcome."""

from ..challenges import Grant
from ..delivery import dispatch


class InlineQueue:
    """Deliver at once; the default, because nothing else has to run."""

    at_once = True

    def enqueue(self, grant: Grant) -> None:
        dispatch.dispatch(grant)
