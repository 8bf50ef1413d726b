"""Challenges as rows of the SQL store: reading them whole and changing them by one conditional statement each."""

import json
from dataclasses import astuple
from typing import Any

from django.db import connections

from ..challenges import Challenge, Charge, Status
from ..models import ChallengeRow
from . import outbox
from .counters import LEDGER_SPAN, now_sql

COLUMNS = [
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
    "charges",
]

_SPEND_CHECK = """
UPDATE {table} SET checks_left = checks_left - 1, checked_at = {now} {also_set}
WHERE id = {which} AND phone = %s AND purpose = %s AND status = 'pending' AND expires_at > {now} AND checks_left > 0
{also_where}
RETURNING {columns}
"""

_NEWEST_OPEN = """(
    SELECT id FROM {table} WHERE phone = %s AND purpose = %s AND status = 'pending' AND expires_at > {now}
    AND device IN ('', %s)
    ORDER BY device = '', created_at DESC LIMIT 1
)"""

_EXTEND = """
UPDATE {table} SET ttl = %s, expires_at = created_at + %s
WHERE id = %s AND status = 'pending' AND expires_at > {now} AND checks_left > 0 AND ttl < %s
RETURNING id
"""

_APPROVE = """
UPDATE {table} SET status = CASE WHEN id = %s THEN 'approved' ELSE 'canceled' END, closed_at = {now}
WHERE phone = %s AND purpose = %s AND status = 'pending'
RETURNING id
"""


def insert(alias: str, challenge: Challenge) -> None:
    """The challenge and the queued delivery of its first send."""
    ChallengeRow.objects.using(alias).create(**_row(challenge))
    outbox.queue(alias, challenge)


def update_sends(alias: str, challenge: Challenge) -> bool:
    """Write what a send changes, and nothing else: checks may be spent meanwhile. False when it is pending no more."""
    row = _row(challenge)
    sends = {name: row[name] for name in ("language", "channel", "status", "sends_left", "sent_at", "charges")}
    return ChallengeRow.objects.using(alias).filter(id=challenge.id, status=Status.PENDING).update(**sends) == 1


def find(alias: str, challenge_id: str) -> Challenge | None:
    rows = ChallengeRow.objects.using(alias).filter(id=challenge_id).values_list(*COLUMNS)
    return next(map(challenge_of, rows), None)


def past(alias: str, phone: str, device: str, now: int) -> list[Challenge]:
    """The phone's challenges that may still count: those of its devices, or of strangers. A handful."""
    rows = ChallengeRow.objects.using(alias).filter(phone=phone, created_at__gt=now - LEDGER_SPAN)
    return [item for row in rows.values_list(*COLUMNS) if bool((item := challenge_of(row)).device) == bool(device)]


def spend_check(alias: str, phone: str, purpose: str, challenge_id: str | None, device: str) -> Challenge | None:
    """Spend before compare: the condition and the decrement are one statement."""
    now = now_sql(alias)
    table = ChallengeRow._meta.db_table
    by_phone = challenge_id is None
    sql = _SPEND_CHECK.format(
        table=table,
        now=now,
        columns=", ".join(COLUMNS),
        which=_NEWEST_OPEN.format(table=table, now=now) if by_phone else "%s",
        also_set=", phone_checks_left = phone_checks_left - 1" if by_phone else "",
        also_where="AND phone_checks_left > 0" if by_phone else "",
    )
    which = [phone, purpose, device] if by_phone else [challenge_id]
    rows = _execute(alias, sql, [*which, phone, purpose])
    return challenge_of(rows[0]) if rows else None


def extend(alias: str, challenge_id: str, ttl: int) -> bool:
    sql = _EXTEND.format(table=ChallengeRow._meta.db_table, now=now_sql(alias))
    return bool(_execute(alias, sql, [ttl, ttl * 1000, challenge_id, ttl]))


def approve(alias: str, challenge: Challenge) -> bool:
    """Approve it and cancel its open siblings; false, and the caller must roll back, when it is pending no more."""
    sql = _APPROVE.format(table=ChallengeRow._meta.db_table, now=now_sql(alias))
    rows = _execute(alias, sql, [challenge.id, challenge.phone, challenge.purpose])
    return any(_hex(row[0]) == challenge.id for row in rows)


def cancel(alias: str, challenge_id: str) -> bool:
    pending = ChallengeRow.objects.using(alias).filter(id=challenge_id, status=Status.PENDING)
    return pending.update(status=Status.CANCELED) == 1


def _execute(alias: str, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _row(challenge: Challenge) -> dict[str, Any]:
    row = {name: getattr(challenge, name) for name in COLUMNS}
    charges = [astuple(charge) for charge in challenge.charges]
    return row | {"sent_at": list(challenge.sent_at), "charges": charges, "expires_at": challenge.expires_at}


def challenge_of(row: tuple[Any, ...]) -> Challenge:
    """From a row of COLUMNS, whether the ORM has converted it or a raw cursor has not."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["id"] = _hex(values["id"])
    values["status"] = Status(values["status"])
    values["sent_at"] = tuple(_json(values["sent_at"]))
    values["charges"] = tuple(Charge(*charge) for charge in _json(values["charges"]))
    return Challenge(**values)


def _hex(value: Any) -> str:
    return value if isinstance(value, str) else value.hex


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
