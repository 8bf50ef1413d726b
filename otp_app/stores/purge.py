"""Deleting what no longer counts, in small batches, so that nobody waits for it."""

from collections import Counter as Tally
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connections, models, transaction

from ..challenges import Status
from ..conf import conf
from ..keys import phone_key
from ..models import BlockRow, ChallengeRow, Counter, Delivery, DevicesEnd, EventRow, KeptAnswer
from ..queries import Part, run
from . import outbox
from .counters import LEDGER_SPAN, read_now
from .takes import Take, take

KEPT = 24 * 3600 * 1000  # milliseconds that a dead challenge stays, for the limits of a day count on it
BATCH = 500
_JUDGED = ("id", "phone", "device", "status", "checks", "checks_left", "checked_at")
_TURN = Take("0" * 32, 0, 1, cost=0)  # the row that lets one purge work at a time, and begins with a write


def purge(alias: str) -> int:
    """Delete dead challenges (their failures go on counting in the phone's ledger), counters and old deliveries."""
    deleted = 0
    while batch := _purge_challenges(alias):
        deleted += batch
    purge_records(alias, read_now(alias))
    return deleted


def purge_records(alias: str, now: int) -> None:
    """What is kept in the database whichever store is in force."""
    while _purge_counters(alias):
        pass
    while _purge_deliveries(alias, now - LEDGER_SPAN):
        pass
    before = datetime.fromtimestamp((now - LEDGER_SPAN) / 1000, UTC if settings.USE_TZ else None)
    _purge_all(EventRow.objects.using(alias).filter(delivery=None, received_at__lt=before))
    KeptAnswer.objects.using(alias).filter(expires_at__lt=now).delete()
    BlockRow.objects.using(alias).filter(until__lt=now - LEDGER_SPAN).delete()
    DevicesEnd.objects.using(alias).filter(at__lt=now - conf.DEVICE_TTL * 1000).delete()


def _purge_all(rows: models.QuerySet[Any]) -> None:
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.filter(pk__in=batch).delete()


def _purge_deliveries(alias: str, before: int) -> int:
    """With their events. By a statement of ours: Django would read every row again to delete it."""
    with transaction.atomic(using=alias, durable=True):
        take(alias, [_TURN])
        old = Delivery.objects.using(alias).filter(sent_at__lt=before).order_by("sent_at")
        if batch := list(old.values_list("pk", flat=True)[:BATCH]):
            EventRow.objects.using(alias).filter(delivery__in=batch).delete()
            marks = ", ".join(["%s"] * len(batch))
            run(alias, Part(f"DELETE FROM {Delivery._meta.db_table} WHERE id IN ({marks}) RETURNING 1", batch))
    return len(batch)


def _purge_challenges(alias: str) -> int:
    with transaction.atomic(using=alias, durable=True):
        now = take(alias, [_TURN])[_TURN.key].now
        dead = ChallengeRow.objects.using(alias).filter(expires_at__lt=now - KEPT).order_by("expires_at")
        batch = list(dead.only(*_JUDGED)[:BATCH])
        failures: dict[str, Tally[int]] = {}
        for row in batch:
            approved = row.status == Status.APPROVED
            if (failed := row.checks - row.checks_left - approved) and not row.device:
                failures.setdefault(phone_key(row.phone), Tally())[row.checked_at] += failed
        if failures:
            take(alias, [Take(key, LEDGER_SPAN, 1, slots=tuple(counts.items())) for key, counts in failures.items()])
        outbox.mark_converted(alias, [row.id.hex for row in batch if row.status == Status.APPROVED])
        ChallengeRow.objects.using(alias).filter(id__in=[row.id for row in batch]).delete()
    return len(batch)


def _purge_counters(alias: str) -> int:
    """Rows somebody holds are skipped: that somebody is about to use them."""
    expired = Counter.objects.using(alias).filter(expires_at__lt=read_now(alias))
    with transaction.atomic(using=alias, durable=True):
        if connections[alias].features.has_select_for_update_skip_locked:
            expired = expired.select_for_update(skip_locked=True)
        return Counter.objects.using(alias).filter(key__in=expired.values("key")[:BATCH]).delete()[0]
