"""Send SMS within Uzbekistan by Eskiz's REST API: https://documenter.getpostman.com/view/663428/RzfmES4z.

Every request carries a bearer token that a login gives for 30 days. Its refusals have no codes, only sentences.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote

from django.core.cache import cache

from ..keys import keys_for
from .base import Event, Message, NotAccepted, Provider, ProviderError, Receipt, Report, Unknown, Unreachable, Unsuited
from .http import Http, Reply, refusal, require_secret

TOKEN_LIFE = 25 * 86400  # seconds in the cache: well within the 30 days that Eskiz names
MAX_LOGIN_SECONDS = (
    3  # seconds for logging in: after longer ones the deadline of the whole dispatch leaves no time to send
)
TOKEN = re.compile(r"[!-~]{1,4096}")  # what can stand in a header

STATUSES = {
    "NEW": "sent",
    "STORED": "sent",
    "ACCEPTED": "sent",
    "PARTDELIVERED": "sent",  # of several segments one has arrived: nothing to read yet
    "ENROUTE": "sent",
    "UNKNOWN": "sent",
    "DELIVERED": "delivered",
    "DELIVRD": "delivered",
    "UNDELIV": "undelivered",  # the operator tried: blocked for debt, switched off
    "UNDELIVERABLE": "undelivered",
    "EXPIRED": "undelivered",
    "REJECTED": "failed",  # the operator did not try; a blacklist is the usual reason, but not the only one
    "REJECTD": "failed",
    "DELETED": "failed",
}
# A part of the sentence in lower case, and what it comes to. The numbers we hand over are valid ones, so "mobile_phone
# is invalid" is about what Eskiz can reach, not about the person's number.
REFUSALS: tuple[tuple[str, type[ProviderError], str], ...] = (
    ("модерац", NotAccepted, "template_not_approved"),
    ("для теста", NotAccepted, "test_account"),
    ("mobile_phone", Unreachable, "mobile_phone"),
    ("недостаточно", NotAccepted, "balance"),
    ("balance", NotAccepted, "balance"),
)
RAW = ("request_id", "message_id", "status", "status_date", "sms_count", "country")


class EskizProvider(Provider):
    """Send from ``sender``, 4546 or a name of yours; with a ``secret``, which proves them, ask for reports."""

    title: ClassVar[str] = "Eskiz"
    channels = frozenset({"sms"})
    signed: ClassVar[str] = "secret"

    def __init__(
        self,
        email: str,
        password: str,
        sender: str = "4546",
        base_url: str = "https://notify.eskiz.uz/api",
        secret: str = "",
    ) -> None:
        self._account = {"email": email, "password": password}
        self._sender = sender
        self._secret = secret
        self._http = Http(base_url)
        self._cache_key = _cache_key(base_url, email, password)
        self._held = ""  # the token, in this process

    def send(self, message: Message) -> Receipt:
        if not message.to.startswith("+998"):
            raise Unsuited("not_uzbek")  # abroad is another method of theirs, with other texts and prices
        reply = self._authorized("POST", "/message/sms/send", data=self._request(message))
        told = reply.data if isinstance(reply.data, dict) else {}
        if told.get("status") == "error" or not reply.ok:
            raise _refused(reply.status, str(told.get("message", "")))
        if not isinstance(told.get("id"), str | int):
            raise Unknown("unreadable")
        return Receipt(reference=str(told["id"])[:64])

    def events(self, report: Report) -> Sequence[Event]:
        require_secret(report, self._secret)
        told = _parsed_body(report.body)
        if "status" not in told:
            raise ValueError("a report without a status")
        word = str(told["status"])[:64]
        status = STATUSES.get(word.upper())
        if status is None:  # a word of tomorrow's: a refusal would only bring it again
            return ()
        event = Event(
            status,
            reference=str(told.get("request_id", ""))[:64],
            id=report.query.get("id", ""),
            error=word if status in ("undelivered", "failed") else "",
            segments=_count(told.get("sms_count")),
            raw={name: str(told[name])[:64] for name in RAW if name in told},
        )
        return (event,)

    def check(self) -> str:
        reply = self._authorized("GET", "/user/get-limit")
        told = reply.data.get("data") if reply.ok and isinstance(reply.data, dict) else None
        if not isinstance(told, dict) or not isinstance(told.get("balance"), int | float):
            raise refusal(reply.status, "no_balance" if reply.ok else "")
        return f"Logged in; the balance is {told['balance']}."

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _request(self, message: Message) -> dict[str, str]:
        fields = {"mobile_phone": message.to.lstrip("+"), "message": message.body, "from": self._sender}
        if message.callback and self._secret:
            fields["callback_url"] = f"{message.callback}&secret={quote(self._secret, safe='')}"
        return fields

    def _authorized(self, method: str, path: str, **how: Any) -> Reply:
        """Send with our token, once more after a 401: it precedes acceptance, so a second request is safe."""
        begun, refused = time.monotonic(), ""
        while True:
            token = self._token(refused)
            if time.monotonic() - begun > MAX_LOGIN_SECONDS:
                raise NotAccepted("login_slow")  # the token is kept: the next message needs no login
            reply = self._http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **how)
            if reply.status != 401 or refused:  # noqa: PLR2004
                return reply
            refused = token

    def _token(self, refused: str) -> str:
        """Return a token that was not refused: this process's, one that another process stored, or a new one."""
        token = self._held
        if token in ("", refused):
            token = self._held = self._shared(refused) or self._login()
        return token

    def _shared(self, refused: str) -> str:
        try:
            token = _opened(cache.get(self._cache_key), self._cache_key)
        except Exception:  # noqa: BLE001 - each cache fails in its own way, and without one we only log in once more
            return ""
        return "" if token == refused else token

    def _login(self) -> str:
        """Log in. Raises NotAccepted for every failure, because a login carries no message."""
        try:
            reply = self._http.post("/auth/login", data=self._account)
        except Unknown as error:
            raise NotAccepted(f"login_{error.reason}") from None
        told = reply.data.get("data") if isinstance(reply.data, dict) else None
        token = told.get("token") if reply.ok and isinstance(told, dict) else None
        if not isinstance(token, str) or not TOKEN.fullmatch(token):
            raise NotAccepted(f"login_{'no_token' if reply.ok else reply.status}")
        with suppress(Exception):  # the same: this process holds it anyway
            cache.set(self._cache_key, _sealed(token.encode(), self._cache_key), TOKEN_LIFE)
        return token


def _refused(status: int, sentence: str) -> Exception:
    """Return the error for a refusal. Its sentence is not kept: it may quote the number or the message."""
    if status < 500:  # noqa: PLR2004
        for part, error, reason in REFUSALS:
            if part in sentence.lower():
                return error(reason)
    return NotAccepted("refused") if 200 <= status < 300 else refusal(status)  # noqa: PLR2004


def _parsed_body(body: bytes) -> Mapping[str, Any]:
    """Parse a report as JSON or as a form: Eskiz documents JSON and sends forms too."""
    try:
        told = json.loads(body)
    except RecursionError:
        raise ValueError("a report too deep") from None
    except ValueError:
        told = dict(parse_qsl(body.decode()))
    if not isinstance(told, dict):
        raise ValueError("a report that is no object")  # noqa: TRY004 - it is what they sent, not a slip of ours
    return told


def _count(told: Any) -> int:
    text = str(told)
    return int(text) if re.fullmatch("[0-9]{1,2}", text) else 0


# Where the token lives. Who holds it can send on the account's bill and read every text of a month, codes included. So
# what the cache keeps (a Redis, a table, files: all get dumped) is sealed with keys of SECRET_KEY, in the form of RFC
# 5297: a tag over place and token, from which the mask begins (SHAKE256; the standard library has no cipher). Nobody
# who writes to the cache can slip us the token of an account of theirs.


def _cache_key(*account: str) -> str:
    """Return the cache key: a keyed hash, which reveals neither the account nor its password."""
    told = json.dumps(account).encode()
    return "otp_app.eskiz." + hmac.digest(keys_for("eskiz place")[0], told, hashlib.sha256)[:16].hex()


def _sealed(token: bytes, place: str) -> bytes:
    tag = _tag(token, place)
    return tag + _masked(token, tag)


def _opened(kept: Any, place: str) -> str:
    """Unseal a token; return "" unless it was sealed for this purpose with today's SECRET_KEY."""
    tag, token = (kept[:32], _masked(kept[32:], kept[:32])) if isinstance(kept, bytes) else (b"", b"")
    return token.decode() if hmac.compare_digest(tag, _tag(token, place)) else ""


def _tag(token: bytes, place: str) -> bytes:
    return hmac.digest(keys_for("eskiz tag")[0], place.encode() + token, hashlib.sha256)


def _masked(text: bytes, tag: bytes) -> bytes:
    stream = hashlib.shake_256(keys_for("eskiz mask")[0] + tag).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))
