"""Print messages to the console. For development: codes are shown, so production refuses it (see checks)."""

import sys
from typing import ClassVar

from .base import Channel, Message, Provider, Receipt


class ConsoleProvider(Provider):
    """Print each message; the provider used when none is configured."""

    title: ClassVar[str] = "Console"
    channels = frozenset(Channel)

    def send(self, message: Message) -> Receipt:
        body = message.body.replace("\n", "\n    ")
        sys.stdout.write(f"\n  {message.channel} to {message.to}:\n    {body}\n\n")
        sys.stdout.flush()
        return Receipt()
