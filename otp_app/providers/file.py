"""Append messages to a file, a JSON line each. For development and tests: production refuses it (it shows codes)."""

import json
import os
from typing import ClassVar

from ..db import clock
from .base import Channel, Message, Provider, Receipt


class FileProvider(Provider):
    """Append to ``path``, which is created if it is missing, readable by its owner only."""

    title: ClassVar[str] = "File"
    channels = frozenset(Channel)

    def __init__(self, path: str) -> None:
        self.path = path

    def send(self, message: Message) -> Receipt:
        line = {
            "time": clock.milliseconds() / 1000,
            "phone": message.to,
            "channel": message.channel,
            "code": message.code,
            "body": message.body,
            "challenge_id": message.reference,
        }
        # One write of one line in append mode: whole lines, however many processes write (POSIX write(2)).
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        finally:
            os.close(descriptor)
        return Receipt()
