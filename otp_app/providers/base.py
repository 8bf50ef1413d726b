"""What a provider is handed, what it answers, the ways it can fail, and what its reports become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar


class Channel(StrEnum):
    """The ways to a person."""

    SMS = "sms"
    CALL = "call"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"


REPORT_STATUSES = frozenset({"sent", "delivered", "undelivered", "failed"})  # of an ``Event``


@dataclass(frozen=True, slots=True)
class Message:
    """What a provider is handed."""

    to: str  # E.164
    body: str  # to be read, or on the channel "call" to be spoken
    channel: str
    code: str  # for providers that fill in a template of their own
    language: str
    expires_in: int  # seconds
    reference: str  # the challenge id; opaque to the provider
    id: str = ""  # of this hand-over, 32 hexadecimal digits: reports that quote it are understood without their own id
    callback: str = ""  # the address for reports, with ?id= of this hand-over; empty: there is none


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's word that it has accepted a message."""

    reference: str = ""  # the provider's own id of it, at most 64 characters
    segments: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What came to a provider's webhook."""

    url: str  # as the provider knows it: the configured public address, with the query string
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """A provider's report about a delivery, in our words, with the raw report beside it."""

    status: str  # one of REPORT_STATUSES
    reference: str = ""  # the provider's own id of the message
    id: str = ""  # ours, where the report quotes it
    error: str = ""  # the provider's error code
    rejected: bool = False  # the number is at fault for good, or its owner has opted out
    unreachable: bool = False  # it is for good not to be reached by this channel
    segments: int = 0  # 0: not said
    price: Decimal | None = None  # what the message cost in all, never negative
    raw: Mapping[str, Any] = field(default_factory=dict)  # without the text and the numbers


class ProviderError(Exception):
    """``reason`` is the provider's error code: short, no free text, for it is stored and logged."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Rejected(ProviderError):
    """The number is bad for good or its owner has opted out: it gets nothing more for a day, on any channel."""


class Unreachable(Rejected):
    """The number is not to be reached by this channel: no mobile, no account there. Others may reach it."""


class Blocked(Rejected):
    """The provider takes it for fraud: no other provider is asked, and the number may be tried again later."""


class NotAccepted(ProviderError):
    """Surely not accepted: the same message may be tried elsewhere or later."""


class Unsuited(NotAccepted):
    """It does not carry this message, whether it was asked or not, and has not failed: another provider may.

    Also for what may be about the number as well as about us. Whoever asks chooses the number, and nobody shall be able
    to have a provider left alone, or to ask for nothing, by choosing it.
    """


class Unknown(ProviderError):
    """The reply was lost: the person may have the message, so it is never sent again by ourselves."""


class Forged(Exception):
    """A report whose signature or secret is not right."""


class Provider:
    """One class per company. What it does not override, it does not have."""

    title: ClassVar[str]  # the company's own spelling
    channels: frozenset[str]  # an instance may serve fewer than its class
    signed: ClassVar[str] = ""  # how its reports are known to be its own: "signature" or "secret"; empty: none come

    def send(self, message: Message) -> Receipt:
        """Hand it over, once. Raises one of the errors above; whatever else it raises counts as Unknown."""
        raise NotImplementedError

    def events(self, report: Report) -> Sequence[Event]:
        """What a report says; Forged before anything in it is believed, ValueError when it makes no sense."""
        raise Forged

    def check(self) -> str:
        """A sentence about balance or credentials, asked of the provider; "" if it cannot be asked. ProviderError."""
        return ""
