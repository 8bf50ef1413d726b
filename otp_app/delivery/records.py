"""Write the rows of deliveries: one process claims each delivery attempt, and its status moves forward only.

``claimed_at`` is the lease: the process that sets it first, by one conditional UPDATE, is the only one to call the
provider. It gives the lease back only if it has not called. When it dies in between, the provider may have the message:
the attempt becomes *unknown* and is not sent again. An attempt that nobody has claimed is safe to claim.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models
from django.db.models.expressions import RawSQL
from django.utils import timezone

from .. import phones
from ..challenges import Challenge, ClaimedDelivery, Grant
from ..db import clock, writes
from ..db.transactions import durable
from ..models import Delivery
from ..providers import gsm
from ..providers.base import Channel, Message, Receipt
from ..stores import outbox, write_behind
from ..stores.outbox import id_of
from ..stores.write_behind import Outcome
from . import prices

Status = Delivery.Status
database = outbox.database
_MAX_CHARACTERS = 64  # of a reference and an error: with more, PostgreSQL would refuse to record what has happened

_CHALLENGE: Any = Delivery._meta.get_field("challenge")
_REPORTED = ("segments", "price")  # facts that a report knows better than we do
MAX_SEGMENTS = 999  # a provider that counts more is not believed


def storable_text(text: object, max_characters: int = _MAX_CHARACTERS) -> str:
    """Return a provider's text as every database takes it: without NUL and half surrogate pairs, cut to its column."""
    return str(text).encode("utf-8", "replace").decode().replace("\0", "")[:max_characters]


def insert_queued(challenge: Challenge) -> None:
    """Insert the queued row of a send whose process died between the store and this database: a sweep delivers it."""
    writes.run(database(), writes.merging(database(), Delivery, [outbox.row_of(challenge)], write_behind.HANDOVER))


def facts_of(message: Message, alias: str, receipt: Receipt, begun: float) -> dict[str, Any]:
    """Return what to record of a message that a provider accepted; ``begun`` by ``time.monotonic``.

    ``latency`` is in milliseconds, ``price`` in OTP_CURRENCY.
    """
    # Not every company counts segments, and 0 stands for a message that was never accepted.
    segments = max(1, receipt.segments, gsm.count_segments(message.body) if message.channel == Channel.SMS else 1)
    segments = min(segments, MAX_SEGMENTS)
    facts: dict[str, Any] = {
        "segments": segments,
        "price": prices.price_of(alias, phones.as_phone(message.to).region, segments),
        "latency": round((time.monotonic() - begun) * 1000),
    }
    return facts | ({"reference": storable_text(receipt.reference)} if receipt.reference else {})


def insert_claimed(grant: Grant) -> None:
    """Insert the row of a claimed send now: it takes another end than the one that the write-behind expects."""
    if grant.claimed and grant.claimed.journal:
        write_behind.current().begin(Outcome(grant.claimed.row, grant.claimed.journal))


def record_sent(claimed: ClaimedDelivery, facts: Mapping[str, Any]) -> None:
    """Record by the write-behind that the provider claimed with the send accepted the message."""
    ended = {"status": Status.SENT.value, "updated_at": timezone.now()}
    write_behind.current().put(Outcome({**claimed.row, **ended, **facts}, claimed.journal, "reference" in facts))


def unclaimed_sends(challenge_id: str) -> list[int]:
    """Return the instants, in milliseconds, of the sends of a challenge that no process has claimed."""
    return list(_unclaimed(challenge_id).values_list("sent_at", flat=True))


def claim(challenge: Challenge, alias: str) -> bool:
    """Claim the first attempt of the last send: True for one process, however many got the same id."""
    unclaimed = _unclaimed(challenge.id).filter(sent_at=challenge.sent_at[-1])
    return unclaimed.update(provider=alias, reference=id_of(challenge, 1), claimed_at=_now()) == 1


def reassign(challenge: Challenge, alias: str) -> bool:
    """Name another provider in the first attempt, which was claimed with the send; False when it has ended."""
    return _attempt(challenge, 1).filter(status=Status.QUEUED).update(provider=alias) == 1


def pass_on(challenge: Challenge, reason: str, alias: str) -> bool:
    """End the first attempt as surely not accepted and claim the second, both or neither; False when it had ended."""
    with durable(database()):
        first = _attempt(challenge, 1).filter(status=Status.QUEUED)
        if not first.update(status=Status.FAILED, error=reason[:_MAX_CHARACTERS], updated_at=timezone.now()):
            return False
        row = _attempt(challenge, 1).get()
        row.pk, row.handover, row.provider, row.reference = None, 2, alias, id_of(challenge, 2)
        row.status, row.error, row.claimed_at = Status.QUEUED, "", clock.read_now(database())
        row.save(force_insert=True, using=database())
    return True


def reference_of(grant: Grant, number: int) -> str:
    """Return our id of a delivery attempt: drawn with the send if the attempt was claimed with it."""
    return str(grant.claimed.row["reference"]) if grant.claimed and number == 1 else id_of(grant.challenge, number)


def release(grant: Grant) -> None:
    """Release our claim of the first attempt: no provider was called, so another process may claim it."""
    ours = _attempt(grant.challenge, 1).filter(status=Status.QUEUED, reference=reference_of(grant, 1))
    ours.update(claimed_at=0, provider="", reference="")


def end(challenge: Challenge, number: int, status: str, *, error: str = "", **facts: Any) -> None:
    """Record the outcome of an attempt. The status of a report that was faster stays; our facts are added to it."""
    alias, before = database(), Delivery.PREDECESSORS[status]
    ended = {"status": status, "updated_at": timezone.now(), "error": error[:_MAX_CHARACTERS]} | facts
    where = f"challenge = %s AND sent_at = %s AND handover = %s AND status IN ({', '.join(['%s'] * len(before))})"
    parameters = [
        _CHALLENGE.get_db_prep_value(challenge.id, connections[alias]),
        challenge.sent_at[-1],
        number,
        *before,
    ]
    moved = writes.run(alias, writes.updating(alias, Delivery, ended, where, parameters))
    if not moved and status == Status.SENT:
        row = _attempt(challenge, number)
        row.update(**{name: facts[name] for name in facts if name not in _REPORTED})
        row.filter(price=None).update(**facts)


def give_up(challenge_id: str, sends: Sequence[int], reason: str, *, ours: bool = False) -> int:
    """End unclaimed sends as failed and return how many that were; ``ours``: also those claimed with their send."""
    rows = _queued(challenge_id) if ours else _unclaimed(challenge_id)
    rows = rows.filter(sent_at__in=sends)
    no_provider = {"provider": "", "reference": "", "claimed_at": 0}  # none was called
    return rows.update(status=Status.FAILED, error=reason, updated_at=timezone.now(), **no_provider)


def abandon(before: int) -> int:
    """End as unknown the attempts claimed before an instant (milliseconds) and never ended; return how many."""
    rows = Delivery.objects.using(database()).filter(status=Status.QUEUED, claimed_at__gt=0, claimed_at__lt=before)
    return rows.update(status=Status.UNKNOWN, error="lease", updated_at=timezone.now())


def overdue(before: int, limit: int) -> list[str]:
    """Return challenges with an unclaimed send from before an instant (milliseconds), the oldest first."""
    rows = Delivery.objects.using(database()).filter(status=Status.QUEUED, claimed_at=0, sent_at__lt=before)
    return [challenge.hex for challenge in rows.order_by("sent_at").values_list("challenge", flat=True)[:limit]]


def newest(challenge_id: str) -> Delivery | None:
    """Return the last delivery attempt of a challenge's newest send."""
    rows = Delivery.objects.using(database()).filter(challenge=challenge_id)
    return rows.order_by("-sent_at", "-handover").first()


def advance(row: Delivery, status: str, **facts: Any) -> bool:
    """Move a delivery forward by a report and tell whether it moved. ``facts`` are written either way."""
    rows = Delivery.objects.using(database()).filter(pk=row.pk)
    moved = rows.filter(status__in=Delivery.PREDECESSORS[status]).update(
        status=status, updated_at=timezone.now(), **facts
    )
    if not moved and facts:
        rows.update(**facts)
    return bool(moved)


def _unclaimed(challenge_id: str) -> models.QuerySet[Delivery]:
    return _queued(challenge_id).filter(claimed_at=0)


def _queued(challenge_id: str) -> models.QuerySet[Delivery]:
    rows = Delivery.objects.using(database())
    return rows.filter(challenge=challenge_id, handover=1, status=Status.QUEUED)


def _attempt(challenge: Challenge, number: int) -> models.QuerySet[Delivery]:
    rows = Delivery.objects.using(database())
    return rows.filter(challenge=challenge.id, sent_at=challenge.sent_at[-1], handover=number)


def _now() -> RawSQL:
    sql = clock.now_sql(database())
    return RawSQL(sql, [], output_field=models.BigIntegerField())  # noqa: S611  (all of it is ours)
