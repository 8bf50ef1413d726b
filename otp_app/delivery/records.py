"""The rows of deliveries: each hand-over of a message to a provider is taken on by one process, and moves forward only.

``claimed_at`` is the lease: whoever sets it first, by one conditional UPDATE, is the only one to call the provider.
Only who has not called it gives the lease back. A process that dies in between may have been heard, so what it
began becomes *unknown* and is not sent again; what nobody has begun is safe to begin.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models, router
from django.db.models.expressions import RawSQL
from django.utils import timezone

from .. import phones
from ..challenges import Challenge, ClaimedDelivery, Grant
from ..db import clock, writes
from ..db.transactions import durable
from ..models import Delivery
from ..providers.base import Channel, Message, Receipt
from ..stores import outbox, write_behind
from ..stores.outbox import id_of
from ..stores.write_behind import Ended
from . import messages, prices

Status = Delivery.Status
_LONGEST = 64  # characters of an error, or PostgreSQL refuses to write down what has happened already

# From which states a delivery may come to one. What has ended stays so: a late report changes nothing.
BEFORE: dict[str, tuple[str, ...]] = {
    Status.UNKNOWN: (Status.QUEUED,),
    Status.SENT: (Status.QUEUED, Status.UNKNOWN),
    Status.DELIVERED: (Status.QUEUED, Status.UNKNOWN, Status.SENT),
    Status.UNDELIVERED: (Status.QUEUED, Status.UNKNOWN, Status.SENT),
    Status.FAILED: (Status.QUEUED, Status.UNKNOWN, Status.SENT),
}

_CHALLENGE: Any = Delivery._meta.get_field("challenge")
_REPORTED = ("segments", "price")  # a report knows them better than we do
MOST_SEGMENTS = 999  # that anybody is believed to have counted


def storable(text: str, most: int = 64) -> str:
    """What every database takes of a company's words: no NUL, no half of a surrogate pair, no more than fits."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:most]


def database() -> str:
    """The alias of the database that deliveries are in."""
    return router.db_for_write(Delivery)


def make_good(challenge: Challenge) -> None:
    """Queue a send whose process died between a store that is elsewhere and the row here: a sweep will deliver it."""
    writes.run(database(), writes.merging(database(), Delivery, [outbox.row_of(challenge)], write_behind.HANDOVER))


def facts_of(message: Message, alias: str, receipt: Receipt, begun: float) -> dict[str, Any]:
    """What is written down of a message that a provider has taken; ``begun`` by ``time.monotonic``."""
    # Not every company counts segments, and 0 is what was never accepted.
    segments = max(1, receipt.segments, messages.segments(message.body) if message.channel == Channel.SMS else 1)
    segments = min(segments, MOST_SEGMENTS)
    facts: dict[str, Any] = {
        "segments": segments,
        "price": prices.price_of(alias, phones.of(message.to).region, segments),
        "latency": round((time.monotonic() - begun) * 1000),
    }
    return facts | ({"reference": storable(receipt.reference)} if receipt.reference else {})


def begin(grant: Grant) -> None:
    """Have the row of a send of ours in the database, for what is written down of it is no end that was expected."""
    if grant.claimed and grant.claimed.journal:
        write_behind.current().begin(Ended(grant.claimed.row, grant.claimed.journal))


def sent(claimed: ClaimedDelivery, facts: Mapping[str, Any]) -> None:
    """The provider that was to be asked first has taken a send of ours: soon to be written down, with others."""
    ended = {"status": Status.SENT.value, "updated_at": timezone.now()}
    write_behind.current().put(Ended({**claimed.row, **ended, **facts}, claimed.journal, "reference" in facts))


def waiting(challenge_id: str) -> list[int]:
    """The sends of a challenge that nobody has taken on: their instants."""
    return list(_waiting(challenge_id).values_list("sent_at", flat=True))


def claim(challenge: Challenge, alias: str) -> bool:
    """Take the first hand-over on: true for one process, however many were given the same id."""
    free = _waiting(challenge.id).filter(sent_at=challenge.sent_at[-1])
    return free.update(provider=alias, reference=id_of(challenge, 1), claimed_at=_now()) == 1


def claim_by_another(challenge: Challenge, alias: str) -> bool:
    """Of a hand-over that is ours since the send: another provider is asked first."""
    return _of(challenge, 1).filter(status=Status.QUEUED).update(provider=alias) == 1


def pass_on(challenge: Challenge, reason: str, alias: str) -> bool:
    """The first provider surely did not accept: end its hand-over and begin the second, both or neither."""
    with durable(database()):
        first = _of(challenge, 1).filter(status=Status.QUEUED)
        if not first.update(status=Status.FAILED, error=reason[:_LONGEST], updated_at=timezone.now()):
            return False
        row = _of(challenge, 1).get()
        row.pk, row.handover, row.provider, row.reference = None, 2, alias, id_of(challenge, 2)
        row.status, row.error, row.claimed_at = Status.QUEUED, "", clock.read_now(database())
        row.save(force_insert=True, using=database())
    return True


def reference_of(grant: Grant, number: int) -> str:
    """Return our id of a hand-over of a send: drawn with the send where it was claimed with it."""
    return str(grant.claimed.row["reference"]) if grant.claimed and number == 1 else id_of(grant.challenge, number)


def release(grant: Grant) -> None:
    """Give a claim of ours back: the provider was not called, so whoever comes next may take it on."""
    ours = _of(grant.challenge, 1).filter(status=Status.QUEUED, reference=reference_of(grant, 1))
    ours.update(claimed_at=0, provider="", reference="")


def end(challenge: Challenge, number: int, status: str, *, error: str = "", **facts: Any) -> None:
    """Write down what became of a hand-over. A report may have been faster: then its word stands; ours adds to it."""
    alias, before = database(), BEFORE[status]
    ended = {"status": status, "updated_at": timezone.now(), "error": error[:_LONGEST]} | facts
    where = f"challenge = %s AND sent_at = %s AND handover = %s AND status IN ({', '.join(['%s'] * len(before))})"
    which = [_CHALLENGE.get_db_prep_value(challenge.id, connections[alias]), challenge.sent_at[-1], number, *before]
    moved = writes.run(alias, writes.updating(alias, Delivery, ended, where, which))
    if not moved and status == Status.SENT:
        row = _of(challenge, number)
        row.update(**{name: facts[name] for name in facts if name not in _REPORTED})
        row.filter(price=None).update(**facts)


def give_up(challenge_id: str, sends: Sequence[int], reason: str, *, ours: bool = False) -> int:
    """End, as failed, what nobody has taken on, or we have since the send; how many that were."""
    rows = _begun(challenge_id) if ours else _waiting(challenge_id)
    rows = rows.filter(sent_at__in=sends)
    nobody = {"provider": "", "reference": "", "claimed_at": 0}  # was asked
    return rows.update(status=Status.FAILED, error=reason, updated_at=timezone.now(), **nobody)


def abandon(before: int) -> int:
    """Give up as unknown what was taken on before that instant (milliseconds) and never ended; how many that were."""
    rows = Delivery.objects.using(database()).filter(status=Status.QUEUED, claimed_at__gt=0, claimed_at__lt=before)
    return rows.update(status=Status.UNKNOWN, error="lease", updated_at=timezone.now())


def overdue(before: int, most: int) -> list[str]:
    """The challenges with a send from before that instant (milliseconds) that nobody has taken on, the oldest first."""
    rows = Delivery.objects.using(database()).filter(status=Status.QUEUED, claimed_at=0, sent_at__lt=before)
    return [challenge.hex for challenge in rows.order_by("sent_at").values_list("challenge", flat=True)[:most]]


def advance(row: Delivery, status: str, **facts: Any) -> bool:
    """Move a delivery on by a report; whether it moved. ``facts`` are written either way."""
    rows = Delivery.objects.using(database()).filter(pk=row.pk)
    moved = rows.filter(status__in=BEFORE[status]).update(status=status, updated_at=timezone.now(), **facts)
    if not moved and facts:
        rows.update(**facts)
    return bool(moved)


def _waiting(challenge_id: str) -> models.QuerySet[Delivery]:
    return _begun(challenge_id).filter(claimed_at=0)


def _begun(challenge_id: str) -> models.QuerySet[Delivery]:
    rows = Delivery.objects.using(database())
    return rows.filter(challenge=challenge_id, handover=1, status=Status.QUEUED)


def _of(challenge: Challenge, number: int) -> models.QuerySet[Delivery]:
    rows = Delivery.objects.using(database())
    return rows.filter(challenge=challenge.id, sent_at=challenge.sent_at[-1], handover=number)


def _now() -> RawSQL:
    sql = clock.now_sql(database())
    return RawSQL(sql, [], output_field=models.BigIntegerField())  # noqa: S611  (all of it is ours)
