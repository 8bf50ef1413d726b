"""Read Twilio's status callbacks: https://www.twilio.com/docs/usage/webhooks/webhooks-security for the signature,
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks and
https://www.twilio.com/docs/voice/api/call-resource#statuscallback for the fields.
"""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

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

    def getlist(self, name: str) -> list[str]:
        """Return all values of a field; the SDK's validator calls this method by this name."""
        return self[name]

    def last(self, *names: str) -> str:
        """Return the last value of the first of these fields that is not empty, "" if all are."""
        return next((self[name][-1] for name in names if self.get(name, [""])[-1]), "")


def authentic(report: Report, validator: Any) -> Form:
    """Return a report's fields. Raises Forged unless the SDK's ``RequestValidator`` accepts the signature."""
    signature = report.headers.get(SIGNATURE, "")
    # Two spellings of one address: an apostrophe in its query Twilio's SDK for Node takes for escaped. With and without
    # a port the validator tries itself, for Twilio signs now one, now the other.
    addresses = {report.url, report.url.replace("'", "%27")}
    try:
        form = _form(report.body)
        genuine = any(validator.validate(address, form, signature) for address in addresses)
    except ValueError:  # no UTF-8, too many fields, an address that is none: nothing that Twilio has signed
        raise Forged from None
    if not (genuine and validator.token):  # with an empty token everybody could sign
        raise Forged
    return form


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
        segments=_segments(form.last("NumSegments")),
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


def _segments(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0


def _price(text: str) -> Decimal | None:
    """Return the price as a positive number: Twilio writes it with a minus, as a debit."""
    return abs(Decimal(text)) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text) else None
