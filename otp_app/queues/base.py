"""The contract of a queue: one method."""

from typing import Protocol

from ..challenges import Claiming, Grant


class Queue(Protocol):
    """Brings a committed send to its delivery, now or later.

    What crosses a process is ``grant.challenge.id`` and nothing else; a queue within the process may hand on the grant.
    """

    claiming: Claiming | None  # where it delivers at once: what the store writes down of that with the send

    def enqueue(self, grant: Grant) -> None:
        """Raises UndeliverablePhone or DeliveryFailed if it knows the outcome already."""
