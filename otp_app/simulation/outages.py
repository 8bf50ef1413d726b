"""Stand in for a provider that is down for a while."""

from ..db import clock
from ..providers.base import Message, NotAccepted, Receipt
from ..providers.memory import MemoryProvider
from .sandbox import START_MS

_HOUR_MS = 3_600_000


class InterruptedProvider(MemoryProvider):
    """Accept no message between two hours of the first day of a world."""

    def __init__(self, first_hour: float, last_hour: float) -> None:
        self.first, self.last = (START_MS + hour * _HOUR_MS for hour in (first_hour, last_hour))

    def send(self, message: Message) -> Receipt:
        if self.first <= clock.milliseconds() < self.last:
            raise NotAccepted("down")
        return super().send(message)
