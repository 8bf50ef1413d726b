"""The contract of a queue: one method."""

from typing import ClassVar, Protocol

from ..challenges import Grant


class Queue(Protocol):
    """Brings a committed send to its delivery, now or later.

    What crosses a process is ``grant.challenge.id`` and nothing else; a queue within the process may hand on the grant.
    """

    at_once: ClassVar[bool]  # it delivers within the request: the store writes down with the send that it is taken on

    def enqueue(self, grant: Grant) -> None:
        """Raises UndeliverablePhone or DeliveryFailed if it knows the outcome already."""
