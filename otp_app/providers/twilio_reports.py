"""Read Twilio's status callbacks: https://www.twilio.com/docs/usage/webhooks/webhooks-security for the signature,
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks and
https://www.twilio.com/docs/voice/api/call-resource#statuscallback for the fields.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from .base import Event, Forged, Rejected, Report, Unreachable
from .twilio_codes import CALL_STATUSES, ERRORS, MESSAGE_STATUSES, PASSING, code_of

SIGNATURE = "x-twilio-signature"
MAX_FIELDS = 200  # of a report; Twilio's have about twenty

# What is kept of a report. A list of what is harmless, not of what is not: Twilio adds fields without notice, and To,
# From, Caller, Called, WaId, ProfileName, Body and even ErrorMessage hold numbers, names or the text.
STORED_FIELDS = (
    *("AccountSid", "ApiVersion", "MessagingServiceSid", "MessageSid", "MessageStatus", "SmsSid", "SmsStatus"),
    *("NumSegments", "Price", "PriceUnit", "ErrorCode", "ChannelPrefix", "EventType", "RawDlrDoneDate"),
    *("CallSid", "CallStatus", "CallDuration", "Duration", "SipResponseCode", "SequenceNumber", "Timestamp"),
)


class Form(dict[str, list[str]]):
    """Hold the fields of a report with all their values: a field may come twice, and both are signed."""

    def last(self, *names: str) -> str:
        """Return the last value of the first of these fields that is not empty, "" if all are."""
        return next((self[name][-1] for name in names if self.get(name, [""])[-1]), "")


def authentic(report: Report, token: str) -> Form:
    """Return a report's fields. Raises Forged unless they and the address are signed with the account's auth token."""
    given = report.headers.get(SIGNATURE, "").encode(errors="replace")
    try:
        form = _form(report.body)
        genuine = any(hmac.compare_digest(_signature(url, form, token), given) for url in _spellings(report.url))
    except ValueError:  # no UTF-8, too many fields, an address that is none: nothing that Twilio has signed
        raise Forged from None
    if not (genuine and token):  # with an empty token everybody could sign
        raise Forged
    return form


def _spellings(address: str) -> Iterator[str]:
    """Yield what Twilio may have signed for an address: its port or none, an apostrophe as it is or escaped."""
    parts = urlsplit(address)
    bare = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for netloc in (bare, f"{bare}:{port}"):
        url = urlunsplit((parts.scheme, netloc, *parts[2:]))
        yield url
        yield url.replace("'", "%27")  # Twilio's SDK for Node


def _signature(address: str, form: Form, token: str) -> bytes:
    """Sign as Twilio does: the address, then by name each field with its values, each value once."""
    text = address + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    return b64encode(hmac.digest(token.encode(), text.encode(), "sha1"))


def event_of(form: Form, ours: str) -> Event | None:
    """Return the event, None for an unknown status. Raises ValueError if the report has no status."""
    call = form.last("CallStatus")
    word = call or form.last("MessageStatus", "SmsStatus")
    if not word:
        raise ValueError("a report without a status")
    status = (CALL_STATUSES if call else MESSAGE_STATUSES).get(word)
    if status is None:
        return None
    error = code_of(form.last("ErrorCode"))
    unanswered = (
        call if status in ("undelivered", "failed") else ""
    )  # calls seldom have a code: "busy" says more than ""
    return Event(
        status,
        reference=form.last("MessageSid", "SmsSid", "CallSid")[:64],
        id=ours,
        error=error or unanswered,
        # Not for an Unreachable number: it is to be called or asked elsewhere. Not for fraud: that passes.
        rejected=ERRORS.get(error) is Rejected,
        unreachable=ERRORS.get(error) is Unreachable and error not in PASSING,
        segments=segments_of(form.last("NumSegments")),
        price=_price(form.last("Price")),
        raw={name: form[name][-1] for name in STORED_FIELDS if name in form},
    )


def _form(body: bytes) -> Form:
    """Parse a form and keep empty fields, because Twilio has signed their names."""
    form = Form()
    text = body.decode()
    for name, value in parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS):
        form.setdefault(name, []).append(value)
    return form


def segments_of(text: str) -> int:
    """Return a count of segments, 0 if the text is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0


def _price(text: str) -> Decimal | None:
    """Return the price as a positive number: Twilio writes it with a minus, as a debit."""
    return abs(Decimal(text)) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text) else None
