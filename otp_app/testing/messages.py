"""Keep the messages of a test instead of sending them, or have their sends fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from ..conf import conf
from ..providers import memory
from ..providers.base import Message, NotAccepted
from .in_force import in_force

PROVIDER = {"ALIAS": "memory", "BACKEND": "otp_app.providers.memory.MemoryProvider"}


class Outbox:
    """Hold the messages that were sent while the outbox was open."""

    @property
    def messages(self) -> list[Message]:
        return memory.outbox

    def code(self, phone: str) -> str:
        """Return the last code sent to a phone; raise LookupError if there is none."""
        for message in reversed(memory.outbox):
            if message.to == phone and message.code:
                return message.code
        raise LookupError(f"no message to {phone}")

    @contextmanager
    def failing(self, error: Exception | None = None) -> Iterator[None]:
        """Have each send fail until the end of the block: with this error, else as one that is surely not accepted."""
        with mock.patch.object(memory.MemoryProvider, "send", side_effect=error or NotAccepted("failing")):
            yield


@contextmanager
def outbox() -> Iterator[Outbox]:
    """Keep messages instead of sending them, whatever the routes."""
    memory.outbox.clear()
    named = {alias for route in conf.ROUTES.values() for aliases in route.values() for alias in aliases}
    entries = [PROVIDER | {"ALIAS": alias} for alias in sorted(named)] or [PROVIDER]
    with in_force(OTP_PROVIDERS=entries, OTP_OUTBOX_FILE=""):
        yield Outbox()
    memory.outbox.clear()
