"""What a provider's report does to the record of a delivery. Reports come twice, late, in any order, and too early.

::

    apply ── keep the event, once ── find its delivery ── let all that is kept for it move it on, forward only
    match_early ─────────────────────┘ for what came before the provider's own id of the message was written down

Instants are those of the database's clock, so a report needs the database and nothing else; only a number at fault is
looked up in the store of challenges.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from .. import stores
from ..conf import conf
from ..db import clock
from ..db.transactions import durable
from ..keys import ledger_id
from ..models import Delivery, EventRow
from ..providers.base import Event
from ..signals import reported
from . import prices, records, suppressions

Status = Delivery.Status

REPORTED = (Status.SENT, Status.DELIVERED, Status.UNDELIVERED, Status.FAILED)
EARLY = 3600  # seconds for which the sweep looks for a delivery; a create call has returned after ten
BATCH = 500
_NAME = 64  # characters of a reference and of an error, as the columns have them
_RAW = 255
_LARGEST = 2**31 - 1  # milliseconds in a column: 24 days, and a delivery is kept for 30
_MOST_MONEY = 10**6
_REJECTED = "rejected"


def apply(alias: str, event: Event) -> None:
    """Keep a report and move its delivery on. The same report again changes nothing; what is unknown is only kept.

    Raises ValueError for a status that no report has, else what the database or the store raises when it is down: then
    nothing is kept, and the provider may report again.
    """
    if event.status not in REPORTED:
        raise ValueError("not a status of a report")
    names = [name for name in (_text(event.reference), _text(event.id)) if name]
    if not names:
        return  # it can belong to no delivery, now or later
    kept = _row(alias, event, names[0])
    # Asked before the transaction, in which nobody shall wait for another server.
    phone = _phone_at_fault(alias, names, kept.received_at) if kept.told.get("fault") else ""
    with durable(records.database()):
        # First a write: SQLite must not upgrade a read lock, and of equal reports PostgreSQL lets the second wait here.
        _events().bulk_create([kept], ignore_conflicts=True)
        delivery = _find(alias, names)
        moved = _catch_up(delivery, names, phone) if delivery else {}
    _tell(delivery, moved)


def match_early() -> int:
    """Apply the reports of the last hour that came before their delivery was known by that name; how many there were.

    One query when there are none. Others may use the account too, so most of what waits may wait for nothing.
    """
    since = _moment(clock.read_now(records.database()) - EARLY * 1000)
    named = Q(reference=OuterRef("reference")) | Q(reference=OuterRef("ours"))
    known = _deliveries().filter(named, provider=OuterRef("provider")).exclude(reference="")
    waiting = _events().filter(Exists(known), delivery=None, received_at__gt=since)
    applied = 0
    for kept in {(row.provider, row.reference, row.ours): row for row in waiting[:BATCH]}.values():
        names = [name for name in (kept.reference, kept.ours) if name]
        phone = _phone_at_fault(kept.provider, names, kept.received_at) if kept.told.get("fault") else ""
        with durable(records.database()):
            delivery = _find(kept.provider, names)
            moved = _catch_up(delivery, names, phone) if delivery else {}
        _tell(delivery, moved)
        applied += len(moved)
    return applied


def newest(challenge_id: str) -> Delivery | None:
    """The last hand-over of a challenge's newest send."""
    return _deliveries().filter(challenge=challenge_id).order_by("-sent_at", "-handover").first()


Moved = dict[UUID, tuple[EventRow, bool]]  # by their digests, the events that were applied and whether they changed it


def _find(alias: str, names: Sequence[str]) -> Delivery | None:
    """By the provider's own id, else by ours, under which a hand-over stands until the provider has said its own."""
    rows = _deliveries().filter(provider=alias, reference__in=names).order_by("pk")
    found = {row.reference: row for row in rows}
    return next((found[name] for name in names if name in found), None)


def _catch_up(delivery: Delivery, names: Sequence[str], phone: str) -> Moved:
    """Apply what is kept under these names and has not been applied; of many at once, one does it.

    ``phone`` is known where a report says that the number is at fault.
    """
    moved: Moved = {}
    named = Q(reference__in=names) | Q(ours__in=names)
    waiting = _events().filter(named, delivery=None, provider=delivery.provider)
    for row in waiting.order_by("pk"):
        if waiting.filter(pk=row.pk).update(delivery=delivery):
            moved[row.digest] = row, _move(delivery, row)
            if phone and row.told.get("fault") and moved[row.digest][1]:
                channel = "" if row.told["fault"] == _REJECTED else delivery.channel
                suppressions.suppress(phone, channel, reported=True)
    return moved


def _move(delivery: Delivery, row: EventRow) -> bool:
    """Price, segments and the provider's id count whenever they come; an error and an arrival only in their turn."""
    told: dict[str, Any] = {name: row.told[name] for name in ("segments", "price") if name in row.told}
    if row.reference not in (row.ours, delivery.reference):  # it is theirs, and it was found by ours
        told["reference"] = row.reference
    if not delivery.segments:
        _accept(delivery, told)
    moved = records.advance(delivery, row.status, **told)
    if moved:
        facts: dict[str, Any] = {"error": row.error}
        if row.status == Status.DELIVERED:
            after = round(row.received_at.timestamp() * 1000) - delivery.sent_at
            facts["delivered_after"] = min(max(0, after), _LARGEST)
        _deliveries().filter(pk=delivery.pk).update(**facts)
    return moved


def _accept(delivery: Delivery, told: dict[str, Any]) -> None:
    """Who reports on a message has taken it, though we never heard so.

    No segments mean that the phone was given its send back; a limit that is restored from that would be exceeded. A
    price is set only if no answer of theirs will come any more.
    """
    facts: dict[str, Any] = {"segments": told.get("segments", 1)}
    if delivery.status == Status.UNKNOWN:
        facts["price"] = prices.price_of(delivery.provider, delivery.region, facts["segments"])
    _deliveries().filter(pk=delivery.pk, segments=0).update(**facts)


def _told(event: Event) -> dict[str, Any]:
    """What an event says beside its status, as JSON has it; a price of theirs is worth more than our estimate."""
    told: dict[str, Any] = {}
    if 0 < event.segments <= records.MOST_SEGMENTS:
        told["segments"] = event.segments
    if event.price is not None and event.price.is_finite() and 0 <= event.price < _MOST_MONEY:
        told["price"] = str(event.price)
    if event.rejected or event.unreachable:
        told["fault"] = _REJECTED if event.rejected else "unreachable"
    return told


def _phone_at_fault(alias: str, names: Sequence[str], received_at: datetime) -> str:
    """The number that a rejection is about; "" when it is forgotten, or the message too old to say much of today."""
    delivery = _find(alias, names)
    if delivery is None or _moment(delivery.sent_at + conf.SUPPRESSION * 1000) < received_at:
        return ""
    challenge = stores.current().get(delivery.challenge.hex)
    return challenge.phone if challenge else ""


def _tell(delivery: Delivery | None, moved: Moved) -> None:
    """After the commit; a receiver that fails must not make the provider report again, so Django logs it."""
    if delivery and moved and reported.has_listeners():
        delivery.refresh_from_db()
        for row, _ in moved.values():
            reported.send_robust(None, delivery=delivery, event=row)


def _row(alias: str, event: Event, name: str) -> EventRow:
    """The digest is of the five that tell reports apart; beside them raw holds times and the like that differ."""
    said = [alias, event.reference, event.id, event.status, event.error]
    return EventRow(
        digest=UUID(ledger_id("event", json.dumps(said))),
        provider=alias,
        reference=name,
        status=event.status,
        error=_text(event.error),
        ours=_text(event.id),
        told=_told(event),
        raw={_text(key): value if isinstance(value, int) else _text(value, _RAW) for key, value in event.raw.items()},
        received_at=_moment(clock.read_now(records.database())),
    )


def _text(value: Any, most: int = _NAME) -> str:
    return records.storable(str(value), most)


def _moment(milliseconds: int) -> datetime:
    """As the project keeps times: with their zone, or without in its own."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC if settings.USE_TZ else None)


def _deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.using(records.database())


def _events() -> QuerySet[EventRow]:
    return EventRow.objects.using(records.database())
