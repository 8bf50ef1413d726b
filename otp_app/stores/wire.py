"""Translate between values and the documents that a store and its server exchange, the same for all three.

PostgreSQL's functions (``postgresql/functions``) and Redis's scripts (``lua``) take and return JSON, the reference for
SQLite (:mod:`.sqlite`) dictionaries. A question has, as far as the call needs them, these members::

    phone, number, lane, ledger     whose budget: its key, the phone, strangers' or devices' half, the key of that half
    limits, proven                  what is to be taken (limits.values)
    challenge, delivery             what is to be written down
    offset                          milliseconds that are added to the server's time, in tests

An answer has the server's time ``now`` and a ``state``: *taken* with the results, *none* when there is no such
challenge, *refused* or *proof* with the usage of each limit.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any

from ..challenges import Challenge, Claims, Increment, Status
from ..db.clock import offset
from ..errors import OtpError
from ..limits import refusals
from ..limits.values import Limit, RequestLimits, Usage

Document = dict[str, Any]

# The members of a challenge, as columns of the database and as a document in Redis. Its increments are ``taken``.
MEMBERS = (
    "id",
    "nonce",
    "key_id",
    "phone",
    "purpose",
    "language",
    "channel",
    "length",
    "ttl",
    "checks",
    "checks_left",
    "phone_checks_left",
    "sends_left",
    "device",
    "status",
    "created_at",
    "checked_at",
    "closed_at",
    "sent_at",
)
_NAMES = (
    *("counts", "amount", "period", "cost", "steps", "key", "ring", "converts", "shared", "kept"),
    *("growth", "steady", "vouches", "strangers", "proof"),
)
_MEMBERS_OF, _VALUES_OF = attrgetter(*MEMBERS), attrgetter(*_NAMES)
_DEFAULTS = {field.name: field.default for field in fields(Limit)}


def written(asked: Document, request_limits: RequestLimits) -> str:
    """Return the question as JSON. Keep the JSON of each limit, because most requests have the same limits."""
    asked["offset"] = offset()
    return f'{json.dumps(asked)[:-1]}, "limits": [{",".join(map(_limit, request_limits.limits))}]}}'


@lru_cache(maxsize=1024)
def _limit(limit: Limit) -> str:
    """Return a limit as JSON, without the members that have their default: servers know those, too."""
    members = zip(_NAMES, _VALUES_OF(limit), strict=True)
    return json.dumps({name: value for name, value in members if value != _DEFAULTS[name]})


def lane(device: str | bool) -> str:
    """Name the half of a phone's history: that of its devices, or that of strangers."""
    return "d" if device else "s"


def document_of(challenge: Challenge) -> Document:
    return dict(zip(MEMBERS, _MEMBERS_OF(challenge), strict=True)) | {"taken": []}


def challenge_of(document: Mapping[str, Any]) -> Challenge:
    """Read a challenge from a document, or from a row that was made one."""
    values = {name: document[name] for name in MEMBERS}
    values["id"] = str(values["id"]).replace("-", "")
    values["status"] = Status(values["status"])
    values["sent_at"] = tuple(values["sent_at"])
    return Challenge(**values, increments=increments_of(document.get("taken") or ()))


def increments_of(taken: Sequence[Sequence[Any]]) -> tuple[Increment, ...]:
    return tuple(Increment(*each) for each in taken)


def increments_in(increments: Sequence[Increment]) -> list[Any]:
    return [(c.key, c.ring, c.slot, c.cost, c.shared, c.converts, c.sent_at) for c in increments]


def delivery_of(row: Mapping[str, Any], claims: Claims | None) -> Document:
    """Return the document of a delivery that begins with this row; with ``claims`` it is claimed already."""
    document: Document = {"region": row["region"], "created_at": row["created_at"].isoformat()}
    if claims is None:
        return document
    watched = [key for claim in claims.values() for key in claim.watched]
    providers = {channel: claim.provider for channel, claim in claims.items()}
    return document | {"reference": row["reference"], "providers": providers, "watched": watched}


def usages_of(limits: Sequence[Limit], answer: Document) -> list[Usage]:
    return [Usage(limit, *numbers) for limit, numbers in zip(limits, answer["usages"], strict=True)]


def refusal(answer: Document, request_limits: RequestLimits) -> OtpError | None:
    """Return what an answer refuses, as the error to raise."""
    if answer["state"] == "refused":
        return refusals.error_for(usages_of(request_limits.limits, answer))
    if answer["state"] == "proof":
        return refusals.proof_for(usages_of(request_limits.limits, answer))
    return None


def loaded(value: Any) -> Any:
    """Return the value of a JSON column of a raw cursor: some drivers return its text."""
    return json.loads(value) if isinstance(value, str) else value
