"""What a provider is handed, what it answers, and the three ways it can fail."""

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What a provider is handed."""

    to: str  # E.164
    body: str
    channel: str
    code: str  # for providers that fill in a template of their own
    language: str
    expires_in: int  # seconds
    reference: str  # the challenge id; opaque to the provider


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's word that it has accepted a message."""

    reference: str = ""  # the provider's own id of it
    segments: int = 1


class ProviderError(Exception):
    """``reason`` is the provider's error code: short, no free text, for it is stored and logged."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Rejected(ProviderError):
    """The number is at fault: nobody should try it again soon."""


class NotAccepted(ProviderError):
    """Surely not accepted: the same message may be tried elsewhere or later."""


class Unknown(ProviderError):
    """The reply was lost: the person may have the message, so it is never sent again by ourselves."""


class Provider(Protocol):
    """One class per company. ``send`` returns a Receipt or raises one of the three errors above."""

    channels: ClassVar[frozenset[str]]

    def send(self, message: Message) -> Receipt: ...
