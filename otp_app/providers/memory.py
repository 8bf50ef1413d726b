"""Keep messages in a list. For tests; ``otp_app.testing`` wraps it."""

from typing import ClassVar

from .base import Channel, Message, Provider, Receipt

outbox: list[Message] = []


class MemoryProvider(Provider):
    """Append messages to one outbox that all instances share, like Django's memory e-mail backend."""

    title: ClassVar[str] = "Memory"
    channels = frozenset(Channel)

    def send(self, message: Message) -> Receipt:
        outbox.append(message)
        return Receipt(reference=f"memory-{len(outbox)}")
