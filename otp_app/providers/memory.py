"""Keeps messages in a list. For tests; ``otp_app.testing`` wraps it."""

from typing import ClassVar

from .base import Channel, Message, Provider, Receipt

outbox: list[Message] = []


class MemoryProvider(Provider):
    """Every instance shares the one outbox, as Django's memory e-mail backend does."""

    title: ClassVar[str] = "Memory"
    channels = frozenset(Channel)

    def send(self, message: Message) -> Receipt:
        outbox.append(message)
        return Receipt(reference=f"memory-{len(outbox)}")
