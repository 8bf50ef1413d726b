"""Apply providers' reports to the records of deliveries. Reports come twice, late, in any order, and too early.

::

    apply ── insert the event, once ── find its delivery ── apply all events that wait for it, forward only
    match_early ───────────────────────┘ for reports that came before the provider's id of the message was recorded

Instants are those of the database's clock, so a report needs the database alone; only the phone of a number at fault
is read from the store of challenges.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from .. import stores
from ..accounts import notifications
from ..conf import conf
from ..db import clock
from ..db.transactions import durable
from ..keys import ledger_id
from ..models import Delivery, EventRow
from ..providers.base import REPORT_STATUSES, Event
from ..signals import reported
from . import prices, records, suppressions
from .records import storable_text

Status = Delivery.Status

MATCH_PERIOD_SECONDS = 3600  # for which a sweep looks for an early report's delivery; a provider's call ends after ten
BATCH_EVENTS = 500
_MAX_RAW_CHARACTERS = 255
_MAX_DELIVERED_AFTER_MS = 2**31 - 1  # that the column holds: 24 days, and a delivery is kept for 30
_MAX_PRICE = 10**6  # in OTP_CURRENCY, excluded, as the column has it
_REJECTED = "rejected"


def apply(alias: str, event: Event) -> None:
    """Keep a report and move its delivery forward. A repeated report changes nothing; one of no delivery is only kept.

    Raises ValueError for a status that no report has, and what the database or the store raises when it is down: then
    nothing is kept, and the provider may report again.
    """
    if event.status not in REPORT_STATUSES:
        raise ValueError("not a status of a report")
    ids = [each for each in (storable_text(event.reference), storable_text(event.id)) if each]
    if not ids:
        return  # it can belong to no delivery, now or later
    _match(_event_row(alias, event, ids[0]), ids, insert=True)


def match_early() -> int:
    """Apply the reports of the last hour that came before their ids were recorded, and return how many.

    One query when there are none. Others may use the account too, so most of the waiting reports may be theirs.
    """
    since = _moment(clock.read_now(records.database()) - MATCH_PERIOD_SECONDS * 1000)
    same_id = Q(reference=OuterRef("reference")) | Q(reference=OuterRef("ours"))
    known = _deliveries().filter(same_id, provider=OuterRef("provider")).exclude(reference="")
    waiting = _events().filter(Exists(known), delivery=None, received_at__gt=since)
    applied = 0
    for event in {(row.provider, row.reference, row.ours): row for row in waiting[:BATCH_EVENTS]}.values():
        applied += _match(event, [each for each in (event.reference, event.ours) if each])
    return applied


def _match(event: EventRow, ids: Sequence[str], *, insert: bool = False) -> int:
    """Find the delivery of an event and apply all events that wait for it, in one transaction; return how many."""
    # Read before the transaction, because nothing in a transaction may wait for another server.
    phone = _phone_at_fault(event.provider, ids, event.received_at) if event.told.get("fault") else ""
    with durable(records.database()):
        if insert:  # first a write: SQLite must not upgrade a read lock, and PostgreSQL lets an equal report wait here
            _events().bulk_create([event], ignore_conflicts=True)
        delivery = _find(event.provider, ids)
        applied = _apply_waiting(delivery, ids, phone) if delivery else []
    _send_signals(delivery, applied)
    return len(applied)


def _find(alias: str, ids: Sequence[str]) -> Delivery | None:
    """Return the delivery with the first of these ids; our id is its reference until the provider has told its own."""
    rows = _deliveries().filter(provider=alias, reference__in=ids).order_by("pk")
    found = {row.reference: row for row in rows}
    return next((found[each] for each in ids if each in found), None)


def _apply_waiting(delivery: Delivery, ids: Sequence[str], phone: str) -> list[EventRow]:
    """Apply the events that wait under these ids, each by one of several processes, and return those applied here.

    ``phone`` is given where an event says that the number is at fault.
    """
    applied = []
    waiting = _events().filter(Q(reference__in=ids) | Q(ours__in=ids), delivery=None, provider=delivery.provider)
    for event in waiting.order_by("pk"):
        if waiting.filter(pk=event.pk).update(delivery=delivery):
            applied.append(event)
            if _advance(delivery, event) and phone and event.told.get("fault"):
                channel = "" if event.told["fault"] == _REJECTED else delivery.channel
                suppressions.suppress(phone, channel, reported=True)
    return applied


def _advance(delivery: Delivery, event: EventRow) -> bool:
    """Record what an event tells and tell whether the status moved.

    Price, segments and the provider's id are recorded in any case; error and time of arrival only if the status moved.
    """
    facts: dict[str, Any] = {name: event.told[name] for name in ("segments", "price") if name in event.told}
    if event.reference not in (event.ours, delivery.reference):  # the provider's id, of a delivery found by ours
        facts["reference"] = event.reference
    if not delivery.segments:
        _record_acceptance(delivery, facts.get("segments", 1))
    moved = records.advance(delivery, event.status, **facts)
    if moved:
        ending: dict[str, Any] = {"error": event.error}
        if event.status == Status.DELIVERED:
            after = round(event.received_at.timestamp() * 1000) - delivery.sent_at
            ending["delivered_after"] = min(max(0, after), _MAX_DELIVERED_AFTER_MS)
        _deliveries().filter(pk=delivery.pk).update(**ending)
    return moved


def _record_acceptance(delivery: Delivery, segments: int) -> None:
    """Record that the provider accepted a message, because it reports on the message.

    Without segments the phone would count as given its send back, and a limit restored from the row would be exceeded.
    The price is set only if no answer of the provider can come any more.
    """
    facts: dict[str, Any] = {"segments": segments}
    if delivery.status == Status.UNKNOWN:
        facts["price"] = prices.price_of(delivery.provider, delivery.region, facts["segments"])
    _deliveries().filter(pk=delivery.pk, segments=0).update(**facts)


def _facts_of(event: Event) -> dict[str, Any]:
    """Return what an event tells beside its status, as JSON has it; numbers that cannot be are left out."""
    facts: dict[str, Any] = {}
    if 0 < event.segments <= records.MAX_SEGMENTS:
        facts["segments"] = event.segments
    if event.price is not None and event.price.is_finite() and 0 <= event.price < _MAX_PRICE:
        facts["price"] = str(event.price)
    if event.rejected or event.unreachable:
        facts["fault"] = _REJECTED if event.rejected else "unreachable"
    return facts


def _phone_at_fault(alias: str, ids: Sequence[str], received_at: datetime) -> str:
    """Return the phone of the rejected message; "" when forgotten, or when OTP_SUPPRESSION has passed."""
    delivery = _find(alias, ids)
    if delivery is None or _moment(delivery.sent_at + conf.SUPPRESSION * 1000) < received_at:
        return ""
    challenge = stores.current().get(delivery.challenge.hex) or notifications.challenge_of(delivery.challenge.hex)
    return challenge.phone if challenge else ""


def _send_signals(delivery: Delivery | None, events: Sequence[EventRow]) -> None:
    """Send the signal ``reported`` for each event, after the commit.

    Django logs a receiver that fails, because the provider must not report again because of it.
    """
    if delivery and events and reported.has_listeners():
        delivery.refresh_from_db()
        about = {"challenge": delivery.challenge.hex, "channel": delivery.channel}
        for event in events:
            reported.send_robust(None, delivery=delivery, event=event, **about)


def _event_row(alias: str, event: Event, reference: str) -> EventRow:
    """Return the row of an event; its digest leaves out ``raw``, where times and the like differ in equal reports."""
    identity = [alias, event.reference, event.id, event.status, event.error]
    return EventRow(
        digest=UUID(ledger_id("event", json.dumps(identity))),
        provider=alias,
        reference=reference,
        status=event.status,
        error=storable_text(event.error),
        ours=storable_text(event.id),
        told=_facts_of(event),
        raw={storable_text(key): _raw_value(value) for key, value in event.raw.items()},
        received_at=_moment(clock.read_now(records.database())),
    )


def _raw_value(value: Any) -> int | str:
    return value if isinstance(value, int) else storable_text(value, _MAX_RAW_CHARACTERS)


def _moment(milliseconds: int) -> datetime:
    """Return an instant as the project keeps times: aware, or naive in its own zone, by USE_TZ."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC if settings.USE_TZ else None)


def _deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.using(records.database())


def _events() -> QuerySet[EventRow]:
    return EventRow.objects.using(records.database())
