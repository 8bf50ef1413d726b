"""Delete what no longer counts, in small batches, so that no request waits for it."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connections, models, transaction
from django.db.models import Q

from ..challenges import Status
from ..conf import conf
from ..counters import HOUR_MS, MONTH_MS, changing
from ..db.clock import read_now
from ..keys import phone_key
from ..models import BlockRow, ChallengeRow, Counter, Delivery, DevicesEnd, EventRow, Failure, KeptAnswer, LineLookup
from . import outbox

RETENTION_MS = 24 * HOUR_MS  # a dead challenge stays so long because the limits of a day count its sends
BATCH_ROWS = 500
_FAILURE_COLUMNS = ("id", "phone", "device", "status", "checks", "checks_left", "checked_at")
_LOCK_KEY = "0" * 32  # the counter whose lock lets one purge work at a time; taking it is the transaction's first write


def purge(alias: str, now: int) -> int:
    """Delete dead challenges (their failed checks go on counting), counters and old deliveries.

    With the Redis store, too: the database may hold challenges from before the project went over to it.
    """
    deleted = 0
    while batch := _purge_challenges(alias, now - RETENTION_MS):
        deleted += batch
    purge_records(alias, now)
    return deleted


def forget(alias: str, phone: str) -> None:
    """Delete the challenges of a phone within the transaction around; keep their failures under the phone's hash."""
    rows = ChallengeRow.objects.using(alias).filter(phone=phone).select_for_update()
    batch = list(rows.only(*_FAILURE_COLUMNS))
    _delete_challenges(alias, batch, batch)


def purge_records(alias: str, now: int) -> None:
    """Delete what is kept in the database whichever store is in force."""
    while _purge_counters(alias):
        pass
    while _purge_deliveries(alias, now - MONTH_MS):
        pass
    before = datetime.fromtimestamp((now - MONTH_MS) / 1000, UTC if settings.USE_TZ else None)
    _purge_all(EventRow.objects.using(alias).filter(delivery=None, received_at__lt=before))
    _purge_all(Failure.objects.using(alias).filter(at__lt=now - MONTH_MS))
    KeptAnswer.objects.using(alias).filter(expires_at__lt=now).delete()
    over = Q(until__lt=now - MONTH_MS) | Q(lifted_at__lt=now - MONTH_MS)
    BlockRow.objects.using(alias).filter(over).delete()
    LineLookup.objects.using(alias).filter(at__lt=now - MONTH_MS).delete()
    ended = Q(at__lt=now - conf.DEVICE_TTL * 1000) | Q(erased=True, at__lt=now - MONTH_MS)
    DevicesEnd.objects.using(alias).filter(ended).delete()


def _purge_all(rows: models.QuerySet[Any]) -> None:
    while batch := list(rows.values_list("pk", flat=True)[:BATCH_ROWS]):
        rows.filter(pk__in=batch).delete()


def _purge_deliveries(alias: str, before: int) -> int:
    """Delete a batch of old deliveries with their events; return the number of deliveries."""
    with transaction.atomic(using=alias, durable=True), changing(alias, _LOCK_KEY):
        old = Delivery.objects.using(alias).filter(sent_at__lt=before).order_by("sent_at")
        if batch := list(old.values_list("pk", flat=True)[:BATCH_ROWS]):
            EventRow.objects.using(alias).filter(delivery__in=batch).delete()
            # Raw SQL, because Django would read every row again to find rows that refer to it.
            with connections[alias].cursor() as cursor:
                marks = ", ".join(["%s"] * len(batch))
                cursor.execute(f"DELETE FROM {Delivery._meta.db_table} WHERE id IN ({marks})", batch)
    return len(batch)


def _purge_challenges(alias: str, before: int) -> int:
    """Delete a batch of dead challenges, keep the failures of strangers; return the number of challenges."""
    with transaction.atomic(using=alias, durable=True), changing(alias, _LOCK_KEY):
        dead = ChallengeRow.objects.using(alias).filter(expires_at__lt=before).order_by("expires_at")
        batch = list(dead.only(*_FAILURE_COLUMNS)[:BATCH_ROWS])
        _delete_challenges(alias, batch, [row for row in batch if not row.device])
    return len(batch)


def _delete_challenges(alias: str, batch: list[ChallengeRow], counting: list[ChallengeRow]) -> None:
    """Delete challenges. The failures of those that are ``counting`` go on counting, under the phone's keyed hash."""
    failed = [
        Failure(phone=phone_key(row.phone, row.device), at=row.checked_at, checks=checks)
        for row in counting
        if (checks := row.checks - row.checks_left - (row.status == Status.APPROVED)) > 0
    ]
    Failure.objects.using(alias).bulk_create(failed)
    outbox.mark_converted(alias, [row.id.hex for row in batch if row.status == Status.APPROVED])
    ChallengeRow.objects.using(alias).filter(id__in=[row.id for row in batch]).delete()


def _purge_counters(alias: str) -> int:
    """Delete a batch of expired counters, but none whose row is locked, because a request is about to use it."""
    expired = Counter.objects.using(alias).filter(expires_at__lt=read_now(alias))
    with transaction.atomic(using=alias, durable=True):
        if connections[alias].features.has_select_for_update_skip_locked:
            expired = expired.select_for_update(skip_locked=True)
        return Counter.objects.using(alias).filter(key__in=expired.values("key")[:BATCH_ROWS]).delete()[0]
