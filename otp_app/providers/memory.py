"""Keeps messages in a list. For tests; ``otp_app.testing`` wraps it."""

from typing import ClassVar

from .base import Message, Receipt

outbox: list[Message] = []


class MemoryProvider:
    """Every instance shares the one outbox, as Django's memory e-mail backend does."""

    channels: ClassVar[frozenset[str]] = frozenset({"sms"})

    def send(self, message: Message) -> Receipt:
        outbox.append(message)
        return Receipt(reference=f"memory-{len(outbox)}")
