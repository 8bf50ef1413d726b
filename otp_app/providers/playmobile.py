"""Send SMS within Uzbekistan by the REST API of Play Mobile's broker: https://wiki.playmobile.uz.

A message carries an id of ours and is known by it from then on. Success has no form: the reply is the status 200 with
"Request is received" or nothing as plain text, while every refusal is JSON with a code.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, ClassVar

from .base import Event, Message, NotAccepted, Provider, Receipt, Report, Unknown
from .http import Http, Reply, refusal, require_secret

STATUSES = {
    "transmitted": "sent",
    "delivered": "delivered",
    "notdelivered": "undelivered",
    "expired": "undelivered",
    "rejected": "failed",
    "failed": "failed",
}
INTERNAL = "100"  # theirs went wrong halfway: nobody knows how far the message got
# The other codes are about the request as a whole and come before it is accepted. Those that can come to us:
CODES = {
    "101": "syntax",
    "102": "account_locked",
    "202": "no_recipient",
    "205": "no_message_id",
    "401": "no_originator",
    "404": "no_content",
    "405": "content_form",
    "406": "content_refused",
}
RAW = ("message-id", "channel", "status", "status-date")


class PlayMobileProvider(Provider):
    """Send from ``originator``, 3700 or a name of yours; ``secret`` is in the report address, given to them once."""

    title: ClassVar[str] = "Play Mobile"
    channels = frozenset({"sms"})
    signed: ClassVar[str] = "secret"

    def __init__(
        self,
        username: str,
        password: str,
        originator: str = "3700",
        base_url: str = "https://send.smsxabar.uz/broker-api",
        secret: str = "",
    ) -> None:
        headers = {"Content-Type": "application/json; charset=UTF-8"}  # they ask for both parts
        self._http = Http(base_url, headers=headers, auth=(username, password))
        self._originator = originator
        self._secret = secret

    def send(self, message: Message) -> Receipt:
        our_id = message.id or secrets.token_hex(16)
        sms = {"originator": self._originator, "content": {"text": message.body}}
        one = {"recipient": message.to.lstrip("+"), "message-id": our_id, "sms": sms}
        reply = self._http.post("/send", json={"messages": [one]})
        if not reply.ok or _code(reply):
            raise _refused(reply)
        return Receipt(reference=our_id)

    def events(self, report: Report) -> Sequence[Event]:
        require_secret(report, self._secret)
        try:
            told = json.loads(report.body)
        except RecursionError:
            raise ValueError("a report too deep") from None
        several = told.get("messages", [told]) if isinstance(told, dict) else told
        if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
            raise ValueError("neither a report nor a list of them")
        return [event for one in several for event in _event(one)]

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


def _event(told: dict[str, Any]) -> Sequence[Event]:
    """Return the event, or nothing for an unknown status: a refusal would only make them resend the whole list."""
    if "message-id" not in told or "status" not in told:
        raise ValueError("a report without message-id or status")
    our_id, word = str(told["message-id"])[:64], str(told["status"])[:64]
    status = STATUSES.get(word.lower().replace("_", ""))
    if status is None:
        return ()
    error = word if status in ("undelivered", "failed") else ""
    raw = {name: str(told[name])[:64] for name in RAW if name in told}
    return (Event(status, reference=our_id, id=our_id, error=error, raw=raw),)


def _code(reply: Reply) -> str:
    """Return a field spelled with a hyphen or an underscore, a string or a number: their pages show each."""
    told = reply.data if isinstance(reply.data, dict) else {}
    code = str(told.get("error-code") or told.get("error_code") or "")
    return code if code.isascii() and code.isdigit() and len(code) <= 3 else ""  # noqa: PLR2004


def _refused(reply: Reply) -> Exception:
    code = _code(reply)
    if code == INTERNAL:
        return Unknown(code)
    if code and reply.status < 500:  # noqa: PLR2004
        return NotAccepted(CODES.get(code, code))
    return refusal(reply.status)
