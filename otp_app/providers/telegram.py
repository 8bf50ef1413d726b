"""Send our own code to the person's Telegram by Telegram Gateway: https://core.telegram.org/gateway/api.

One call does it: ``sendVerificationMessage`` looks by itself whether the number can be reached and is billed only then.
Asking ``checkSendAbility`` first would cost the same fee, a second round trip out of the ten seconds, and a window in
which the answer changes.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from .base import (
    Event,
    Forged,
    Message,
    NotAccepted,
    Provider,
    ProviderError,
    Receipt,
    Report,
    Unknown,
    Unreachable,
    Unsuited,
)
from .http import Http, Reply, refusal

CODE = re.compile("[0-9]{4,8}")
TTL_SECONDS = (30, 3600)  # seconds
# Telegram stamps a report when it hands it in, and tries up to ten times with growing pauses. That a repetition gets a
# stamp of its own is nowhere said, so a day: a night's outage of ours loses no report. A replay within it changes
# nothing, for a delivery only moves forward and knows what it was told before.
MAX_REPORT_AGE_SECONDS = 86400  # seconds
MAX_CLOCK_LAG_SECONDS = 300  # seconds by which our clock may be behind theirs

STATUSES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "expired": "undelivered",
    "revoked": "undelivered",
}
# Words that are not about the account or the request. Telegram documents but one word of them all; these are those that
# clients of the API have met. "Invalid" is what Telegram thinks of a number which we have parsed as a valid one: reason
# enough to leave Telegram alone for a day, not to stop its SMS.
REFUSALS: Mapping[str, type[ProviderError]] = {
    "PHONE_NUMBER_INVALID": Unreachable,
    "PHONE_NUMBER_NOT_FOUND": Unreachable,
    "PHONE_NUMBER_NOT_AVAILABLE": Unreachable,
    "MESSAGE_ALREADY_SENT": Unknown,
}
WORD = re.compile("[A-Z_]{1,64}")  # no digits: neither code nor number can hide in a reason
RAW = ("request_id", "request_cost", "is_refunded", "payload")  # neither the number nor a code that was entered


class TelegramProvider(Provider):
    """Send as ``sender_username``, a verified channel of yours, or else from Telegram's own account."""

    title: ClassVar[str] = "Telegram Gateway"
    channels = frozenset({"telegram"})
    signed: ClassVar[str] = "signature"

    def __init__(
        self, token: str, base_url: str = "https://gatewayapi.telegram.org", sender_username: str = ""
    ) -> None:
        self._http = Http(base_url, headers={"Authorization": f"Bearer {token}"})
        self._sender = sender_username
        self._key = hashlib.sha256(token.encode()).digest() if token else b""

    def send(self, message: Message) -> Receipt:
        if not CODE.fullmatch(message.code):
            raise Unsuited("code_length")
        reply = self._http.post("/sendVerificationMessage", json=self._request(message))
        told = reply.data if reply.ok and isinstance(reply.data, dict) else {}
        if told.get("ok") is not True:
            raise _refused(reply)
        result = told.get("result")
        return Receipt(reference=_text(result, "request_id"))

    def events(self, report: Report) -> Sequence[Event]:
        self._require_signature(report)
        try:
            told = json.loads(report.body, parse_float=Decimal)
        except RecursionError:
            raise ValueError("a report too deep") from None
        if not isinstance(told, dict) or "request_id" not in told:
            raise ValueError("a report without a request")
        word = _text(told.get("delivery_status"), "status")
        status = STATUSES.get(word)
        if status is None:  # of the verification only, or a word of tomorrow's: a refusal would only bring it again
            return ()
        event = Event(
            status,
            reference=_text(told, "request_id"),
            id=_text(told, "payload"),
            error=word if status == "undelivered" else "",
            price=_price(told),
            raw={"status": word} | {name: str(told[name])[:64] for name in RAW if name in told},
        )
        return (event,)

    def check(self) -> str:
        """Ask for a request that does not exist: that is free; ``checkSendAbility`` is billed like a message."""
        reply = self._http.post("/checkVerificationStatus", json={"request_id": "0"})
        if _error_name(reply) != "REQUEST_ID_INVALID":
            raise _refused(reply)
        return "The token is good; the balance is shown at gateway.telegram.org only."

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _request(self, message: Message) -> dict[str, Any]:
        fields = {
            "phone_number": message.to,
            "code": message.code,
            "ttl": min(max(message.expires_in, TTL_SECONDS[0]), TTL_SECONDS[1]),
            "payload": message.id,
            "callback_url": message.callback,
            "sender_username": self._sender,
        }
        return {name: value for name, value in fields.items() if value}

    def _require_signature(self, report: Report) -> None:
        """Verify HMAC-SHA256 over stamp and raw body; the key is the token's raw digest, not its hexadecimal form.

        The stamp is judged by the machine's own clock: it was made by theirs, which no offset of ours moves.
        """
        stamp = report.headers.get("x-request-timestamp", "")
        given = report.headers.get("x-request-signature", "")
        right = hmac.new(self._key, stamp.encode() + b"\n" + report.body, hashlib.sha256).hexdigest()
        if not self._key or not hmac.compare_digest(right.encode(), given.encode()):
            raise Forged
        if (
            not re.fullmatch("[0-9]{1,12}", stamp)
            or not -MAX_CLOCK_LAG_SECONDS <= time.time() - int(stamp) <= MAX_REPORT_AGE_SECONDS
        ):
            raise Forged


def _error_name(reply: Reply) -> str:
    """Return the code of Telegram's refusal, "" if the reply holds none."""
    told = reply.data if isinstance(reply.data, dict) else {}
    error = told.get("error") if told.get("ok") is False else None
    if not isinstance(error, str):
        return ""
    if error.startswith("FLOOD_WAIT"):  # followed by the seconds to wait
        return "FLOOD_WAIT"
    return error if WORD.fullmatch(error) else "refused"


def _refused(reply: Reply) -> Exception:
    """Return the error for a refusal: Telegram's own code counts, a broken server's or a proxy's may not."""
    word = _error_name(reply)
    if word and reply.status < 500:  # noqa: PLR2004
        return REFUSALS.get(word, NotAccepted)(word)
    return Unknown("unreadable") if reply.ok else refusal(reply.status, word)


def _text(told: Any, name: str) -> str:
    """Return a field of at most 64 characters, as Telegram's ids and codes are, else ""."""
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) and len(value) <= 64 else ""  # noqa: PLR2004


def _price(told: Mapping[str, Any]) -> Decimal | None:
    """Return the total cost of the request: 0 if it was refunded because it was not delivered in time."""
    if told.get("is_refunded") is True:
        return Decimal(0)
    cost = told.get("request_cost")
    if isinstance(cost, int) and not isinstance(cost, bool):
        cost = Decimal(cost)
    return cost if isinstance(cost, Decimal) and cost.is_finite() and cost >= 0 else None
