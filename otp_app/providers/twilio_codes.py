"""Map Twilio's error codes and statuses to ours.

Its own dictionary: https://www.twilio.com/docs/api/errors, a page for each code. These are left out of the table:

- 30007 and 30008 (filtered by the carrier, no reason given): about the text or the road, not about the number.
"""

import re
from collections.abc import Mapping

from .base import Blocked, NotAccepted, ProviderError, Rejected, Unknown, Unreachable, Unsuited
from .http import refusal

ERRORS: Mapping[str, type[ProviderError]] = {
    # Bad for good, or opted out.
    "21211": Rejected,  # no phone number
    "21217": Rejected,  # the same, of a call
    "21610": Rejected,  # its owner has answered STOP
    "30005": Rejected,  # the carrier knows no such subscriber: no channel that goes by the number reaches anybody
    # Not by this channel. What each of these says ends at the network for messages, and 30003 mostly says that a phone
    # is off: none is a reason to refuse the person a call.
    "21614": Unreachable,  # no mobile
    "21635": Unreachable,  # a landline
    "30003": Unreachable,  # the handset does not answer
    "30004": Unreachable,  # the carrier blocks messages to it (a do-not-disturb register, no SMS in the plan)
    "30006": Unreachable,  # a landline, or a carrier without SMS
    "21214": Unreachable,  # no call gets there
    # The same of WhatsApp: https://www.twilio.com/docs/whatsapp/tutorial/error-codes.
    "63003": Unreachable,  # no account
    "63024": Unreachable,  # no account, or its app is too old
    "63032": Unreachable,  # WhatsApp withholds messages of companies from this person
    "63014": Unreachable,  # the person has blocked us there, which is not to say that no SMS is wanted
    # Fraud. https://www.twilio.com/docs/messaging/features/sms-pumping-protection-programmable-messaging
    "30450": Blocked,
    "60410": Blocked,  # https://www.twilio.com/docs/verify/preventing-toll-fraud/sms-fraud-guard
    "21216": Blocked,  # of calls: a destination with a high risk of fraud
    # Twilio could not tell, or not in time: the message may be on its way, whatever the HTTP status.
    "20500": Unknown,
    "20504": Unknown,
    "20429": NotAccepted,  # too many requests: turned away at the door
    # The account's setup: nothing gets through, whoever asks.
    **dict.fromkeys(("21401", "21421", "21606", "21608", "21219"), NotAccepted),
    # The account does not reach that country or network. Whoever asks for such numbers must not open its circuit.
    "21408": Unsuited,  # messages to this country are not enabled
    "21215": Unsuited,  # calls to it
    "21612": Unsuited,  # this sender cannot write to that network
}

# Of what is Unreachable, what a report says of today only: the phone is off, or out of reach.
PASSING = frozenset({"30003"})

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
MESSAGE_STATUSES = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}

# https://www.twilio.com/docs/voice/api/call-resource#call-status-values. "completed" is an answered call that has
# ended; whether a person or a voicemail answered, it does not say.
CALL_STATUSES = {
    "queued": "sent",
    "initiated": "sent",
    "ringing": "sent",
    "in-progress": "sent",
    "completed": "delivered",
    "busy": "undelivered",
    "no-answer": "undelivered",
    "canceled": "undelivered",
    "failed": "failed",
}


def code_of(told: object) -> str:
    """Return an error code as text, "" if there is none (0 is none)."""
    text = str(told)
    return text if re.fullmatch("[1-9][0-9]{0,9}", text) else ""


def refused(status: int, code: object) -> Exception:
    """Return the error for a refusal by its code or, if the table lacks the code, by its HTTP status."""
    known = code_of(code)
    if known in ERRORS:
        return ERRORS[known](known)
    return refusal(status, known)
