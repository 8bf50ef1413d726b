"""Define the contract of a queue: one method."""

from typing import ClassVar, Protocol

from ..challenges import Grant


class Queue(Protocol):
    """Bring a committed send to its delivery, now or later.

    Only ``grant.challenge.id`` leaves the process; a queue within the process may hand the grant on.
    """

    at_once: ClassVar[bool]  # it delivers within the request, so the store claims the delivery together with the send

    def enqueue(self, grant: Grant) -> None:
        """Hand the send to its delivery; raise UndeliverablePhone or DeliveryFailed if the outcome is known already."""
