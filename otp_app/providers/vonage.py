"""Send by Vonage's SMS API: https://developer.vonage.com/en/api/sms."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote

from . import gsm
from .base import (
    Channel,
    Event,
    Forged,
    Message,
    NotAccepted,
    Provider,
    ProviderError,
    Receipt,
    Rejected,
    Report,
    Unsuited,
)
from .http import Http, Reply, refusal, require_secret

# HTTP says 200 to everything. 3 and 6 are often the number, but a bad sender or a country that Vonage has no route to
# gives them too. 5, an error inside Vonage, is left out: whether the message had left by then is not said.
BEFORE_SENDING = ("1", "2", "3", "4", "6", "8", "9", "10", "11", "12", "15", "22", "23", "29", "32")
ERRORS: dict[str, type[ProviderError]] = dict.fromkeys(BEFORE_SENDING, NotAccepted) | {
    "3": Unsuited,  # parameters, and mostly the number
    "6": Unsuited,  # no way to that number
    "7": Rejected,
    "33": Rejected,
}

# "unknown" is left out: it changes nothing.
STATUSES = {"accepted": "sent", "buffered": "sent", "delivered": "delivered", "expired": "undelivered"}
STATUSES |= {"failed": "failed", "rejected": "failed"}
# Absent for good, barred by its user, an illegal number. The others may be the fault of the network or of a sender.
REJECTED_ERROR_CODES = ("3", "4", "9")
STORED_FIELDS = (
    "messageId",
    "network-code",
    "price",
    "status",
    "scts",
    "err-code",
    "client-ref",
)  # of a report, to be kept

MAX_REPORT_AGE_SECONDS = 24 * 60 * 60  # seconds: for so long they repeat a report that was not taken
TTL_MS = (20_000, 604_800_000)  # milliseconds


class VonageProvider(Provider):
    """Verify reports by ``signature_secret`` if the account signs them, else by a ``report_secret`` of yours."""

    title: ClassVar[str] = "Vonage"
    channels = frozenset({Channel.SMS})
    signed: ClassVar[str] = "signature"

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        sender: str,
        signature_secret: str = "",
        report_secret: str = "",
        base_url: str = "https://rest.nexmo.com",
    ) -> None:
        self._key = (api_key, api_secret)
        self._sender = sender
        self._signature_secret = signature_secret
        self._report_secret = report_secret
        self._http = Http(base_url)

    def send(self, message: Message) -> Receipt:
        callback = self._callback(message.callback)
        order = {
            "api_key": self._key[0],
            "api_secret": self._key[1],
            "from": self._sender,
            "to": message.to.lstrip("+"),
            "text": message.body,
            # As "text", any other character would arrive as a question mark; as "unicode", every text costs double.
            "type": "text" if gsm.ALPHABET.issuperset(message.body) else "unicode",
            "ttl": str(
                min(max(message.expires_in * 1000, TTL_MS[0]), TTL_MS[1])
            ),  # a code that is no longer good is no use
            "client-ref": message.id,
            "status-report-req": "true" if callback else "false",
        }
        if callback:
            order["callback"] = callback
        reply = self._http.post("/sms/json", data=order)
        segments = _segments(reply)
        codes = {str(segment.get("status", "")) for segment in segments}
        if reply.ok and codes == {"0"} and segments[0].get("message-id"):
            return Receipt(str(segments[0]["message-id"]), len(segments))
        code = ",".join(sorted(codes))  # segments that fared differently are in no table: part of it may be on its way
        raise ERRORS[code](code) if code in ERRORS else refusal(reply.status, code)

    def events(self, report: Report) -> Sequence[Event]:
        told = _parameters(report)  # the signature is over what is in it, and it fails at nothing
        if self._signature_secret:
            self._require_signature(told, report.query.get("id", ""))
        else:
            require_secret(report, self._report_secret)
        if "status" not in told or "messageId" not in told:
            raise ValueError("no report of Vonage's")
        if (status := STATUSES.get(told["status"])) is None:
            return []
        code = told.get("err-code", "")
        return [
            Event(
                status,
                reference=told["messageId"],  # of one segment: those after the first are found by our id alone
                id=told.get("client-ref", ""),  # signed, which the id in the address may not be
                error="" if code == "0" else code,
                rejected=code in REJECTED_ERROR_CODES,
                raw={name: told[name] for name in STORED_FIELDS if name in told},  # their price is that of one segment
            )
        ]

    def check(self) -> str:
        reply = self._http.get("/account/get-balance", auth=self._key)  # in the address it would be in logs
        if not reply.ok or not isinstance(reply.data, dict) or "value" not in reply.data:
            raise refusal(reply.status)
        return f"The balance is {reply.data['value']}."

    def _callback(self, address: str) -> str:
        """Return the address for reports, "" if no secret could verify them."""
        if not address or self._signature_secret:
            return address
        return f"{address}&secret={quote(self._report_secret, safe='')}" if self._report_secret else ""

    def _require_signature(self, told: Mapping[str, str], our_id: str) -> None:
        """Raise Forged unless the report is signed with our secret and at most MAX_REPORT_AGE_SECONDS old."""
        theirs = {name: value for name, value in told.items() if name != "sig"}
        given = told.get("sig", "").lower().encode(errors="replace")
        # Whether the parameter that is in the callback address already is signed with theirs is not documented.
        possible = (_signature(params, self._signature_secret) for params in (theirs, theirs | {"id": our_id}))
        if not any(hmac.compare_digest(given, signature) for signature in possible):
            raise Forged
        signed_at = told.get("timestamp", "")
        if not signed_at.isdecimal() or abs(int(time.time()) - int(signed_at)) > MAX_REPORT_AGE_SECONDS:
            raise Forged


def _segments(reply: Reply) -> list[dict[str, Any]]:
    """Return the reply's entries, one per segment, none if the reply is not Vonage's."""
    entries = reply.data.get("messages") if isinstance(reply.data, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _parameters(report: Report) -> dict[str, str]:
    """Return the parameters from where the account's settings put them: the address, a form or JSON."""
    if not report.body:
        return {name: value for name, value in report.query.items() if name != "id"}
    try:
        told = json.loads(report.body)
    except (ValueError, RecursionError):
        told = dict(parse_qsl(report.body.decode(errors="replace"), keep_blank_values=True))
    return {name: str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _signature(params: Mapping[str, str], secret: str) -> bytes:
    """Sign as Vonage does: parameters sorted, separators in the values replaced."""
    text = "".join(f"&{name}={params[name].replace('&', '_').replace('=', '_')}" for name in sorted(params))
    return hmac.new(secret.encode(), text.encode(errors="replace"), hashlib.sha256).hexdigest().encode()
