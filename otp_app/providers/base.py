"""Define what every provider shares: message, receipt, report, event, and the errors of a send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar


class Channel(StrEnum):
    """Name the channels on which a message reaches a person."""

    SMS = "sms"
    CALL = "call"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"


REPORT_STATUSES = frozenset({"sent", "delivered", "undelivered", "failed"})  # of an ``Event``


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one message for a provider to send."""

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
    """Confirm that a provider has accepted a message."""

    reference: str = ""  # the provider's own id of it, at most 64 characters
    segments: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """Hold one request to a provider's webhook, not yet verified."""

    url: str  # as the provider knows it: the configured public address, with the query string
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Hold a provider's report about a delivery in our terms, with the raw report beside it."""

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
    """Represent a failed send.

    ``reason`` is the provider's error code: short and without free text, because it is stored and logged.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Rejected(ProviderError):
    """Report that the number is invalid or its owner opted out: it gets nothing for a day, on any channel."""


class Unreachable(Rejected):
    """Report that this channel cannot reach the number (no mobile, no account); other channels may."""


class Blocked(Rejected):
    """Report suspected fraud: no other provider is asked, and the number may be tried again later."""


class NotAccepted(ProviderError):
    """Report that the provider certainly did not accept the message: it may be sent elsewhere or later."""


class Unsuited(NotAccepted):
    """Report that a healthy provider, whether it was asked or not, does not carry this message: another provider may.

    Raised also for errors that may concern the number as well as our account. Clients choose the number, and no choice
    may make us skip a provider that works, or ask one in vain.
    """


class Unknown(ProviderError):
    """Report a lost reply: the person may have the message, so we never send it again by ourselves."""


class Forged(Exception):
    """Reject a report whose signature or secret is wrong."""


class Provider:
    """Send messages by one company's API. A method that a subclass does not override is not supported."""

    title: ClassVar[str]  # the company's own spelling
    channels: frozenset[str]  # an instance may serve fewer than its class
    signed: ClassVar[str] = ""  # how its reports are known to be its own: "signature" or "secret"; empty: none come

    def send(self, message: Message) -> Receipt:
        """Send the message once. Raises a ProviderError; any other exception counts as Unknown."""
        raise NotImplementedError

    def events(self, report: Report) -> Sequence[Event]:
        """Verify a report and return its events. Raises Forged if it fails, ValueError if it cannot be read."""
        raise Forged

    def check(self) -> str:
        """Ask about balance or credentials and return a sentence, "" if unsupported. Raises ProviderError."""
        return ""
