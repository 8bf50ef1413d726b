"""Implement what all three stores share: each call sends one document (:mod:`.wire`) and reads one answer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import ceil
from typing import Any

from .. import phones
from ..challenges import Challenge, Claim, ClaimedDelivery, Claims, Grant, Increment, Status
from ..db.transactions import require_none
from ..errors import InvalidOrExpiredCode
from ..keys import phone_key
from ..limits.values import Limit, RequestLimits, Usage
from . import outbox, wire
from .outbox import database
from .purge import forget
from .wire import Document


class AskingStore(ABC):
    """Turn each call of a store into a document for its server, which ``_ask`` sends, and read the answer."""

    def open(self, challenge: Challenge, request_limits: RequestLimits, claims: Claims | None = None) -> Grant:
        asked = {"challenge": wire.document_of(challenge)}
        return self._send("open", challenge.phone, challenge.device, request_limits, claims, asked)

    def spend_send(
        self,
        phone: str,
        purpose: str,
        challenge_id: str,
        request_limits: RequestLimits,
        claims: Claims | None = None,
        *,
        device: str,
        language: str,
        channel: str,
    ) -> Grant:
        asked = {"id": challenge_id, "purpose": purpose, "device": device, "language": language, "channel": channel}
        return self._send("spend_send", phone, device, request_limits, claims, asked)

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, request_limits: RequestLimits, *, device: str = ""
    ) -> Challenge | None:
        asked = {"phone": phone_key(phone), "number": phone, "purpose": purpose, "device": device}
        answer = self._ask_or_raise(
            "spend_check", asked | ({"id": challenge_id} if challenge_id else {}), request_limits
        )
        if answer["state"] == "none":
            return None
        paid = answer["challenge"]
        return wire.challenge_of(paid | {"taken": [*(paid.get("taken") or ()), *answer["taken"]]})

    def extend(self, challenge_id: str, ttl: int) -> bool:
        return bool(self._ask_outside_transactions("extend", {"id": challenge_id, "ttl": ttl})["state"] == "taken")

    def close(self, challenge: Challenge, status: Status) -> bool:
        return bool(self._closed(challenge, status)["state"] == "taken")

    def _closed(self, challenge: Challenge, status: Status, **also: Any) -> Document:
        named = {"id": challenge.id, "number": challenge.phone, "purpose": challenge.purpose, "status": status}
        # Increments of checks are written down nowhere else; those of sends are kept with the challenge.
        checked = wire.increments_in([increment for increment in challenge.increments if not increment.sent_at])
        mine = {"phone": phone_key(challenge.phone), "checked_at": challenge.checked_at, "increments": checked}
        return self._ask_outside_transactions("close", named | mine | also)

    def undo_send(self, challenge: Challenge, *, chosen: bool = False) -> None:
        asked = {"id": challenge.id, "phone": phone_key(challenge.phone), "at": challenge.sent_at[-1]}
        self._ask_outside_transactions("undo_send", asked | {"chosen": chosen})

    def forget(self, phone: str) -> None:
        forget(database(), phone)

    def take(self, request_limits: RequestLimits) -> tuple[Increment, ...]:
        return wire.increments_of(self._ask_or_raise("take", {}, request_limits)["taken"])

    def give_back(self, increments: Sequence[Increment]) -> None:
        self._ask_outside_transactions("give_back", {"increments": wire.increments_in(increments)})

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        asked = _budget(phone, "any" if device else "") if phone else {}
        return wire.usages_of(limits, self._ask("usage", asked, RequestLimits(tuple(limits))))

    def _send(
        self, name: str, phone: str, device: str, request_limits: RequestLimits, claims: Claims | None, asked: Document
    ) -> Grant:
        phone = phones.as_phone(phone)  # parsed once, for all below
        row = outbox.begun(phone, device, claimed=claims is not None)
        asked |= _budget(phone, device) | {"delivery": wire.delivery_of(row, claims)}
        answer = self._ask_or_raise(name, asked, request_limits)
        if answer["state"] == "none":
            raise InvalidOrExpiredCode
        challenge = wire.challenge_of(asked.get("challenge", {}) | answer["challenge"] | {"phone": phone})
        row |= {"challenge": challenge.id, "sent_at": challenge.sent_at[-1], "channel": challenge.channel}
        claimed = None
        if claims is None:
            self._queue(challenge, row)
        else:
            claim = claims.get(challenge.channel, Claim(""))
            row |= {"provider": claim.provider, "claimed_at": answer["now"]}
            blocked = {key: answer["blocks"][key] for key in claim.watched if key in answer["blocks"]}
            claimed = ClaimedDelivery(claim, blocked, row, answer.get("journal", ""))
        return Grant(challenge, answer["now"], ceil(answer["again"] / 1000), claimed)

    def _queue(self, challenge: Challenge, row: dict[str, Any]) -> None:  # noqa: B027  (most servers write it themselves)
        """Write down the queued delivery of a send, in a store whose server does not write it itself."""

    def _ask_or_raise(self, name: str, asked: Document, request_limits: RequestLimits) -> Document:
        """Ask for a call that takes limits; raise Limited or ProofRequired when the limits refuse it."""
        answer = self._ask_outside_transactions(name, asked | {"proven": request_limits.proven}, request_limits)
        if refused := wire.refusal(answer, request_limits):
            raise refused
        return answer

    def _ask_outside_transactions(
        self,
        name: str,
        asked: Document,
        request_limits: RequestLimits = RequestLimits(),  # noqa: B008  (frozen)
    ) -> Document:
        """Ask outside of any transaction: a rollback would undo what the answer says."""
        require_none(database())
        return self._ask(name, asked, request_limits)

    @abstractmethod
    def _ask(self, name: str, asked: Document, request_limits: RequestLimits) -> Document:
        """Ask the server one question, and return its answer."""


def _budget(phone: str, device: str) -> Document:
    """Return the members of a document that name the phone and lane whose history a send is judged by."""
    phone = phones.as_phone(phone)
    ledger = phone_key(phone, device) if device else phone.key
    return {"phone": phone.key, "number": phone, "lane": wire.lane(device), "ledger": ledger}
