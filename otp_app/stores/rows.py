"""Challenges as rows of the SQL store: reading them whole and changing them by one conditional statement each."""

from typing import Any

from .. import writes
from ..challenges import Challenge, Charge, Status
from ..models import ChallengeRow
from ..queries import ALWAYS, Condition, Part, Rows, hexadecimal, loaded, run
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
WHERE {which} AND {only}
RETURNING {columns}
"""

_OPEN = """
id = {id} AND phone = %s AND purpose = %s AND status = 'pending' AND expires_at > {now} AND checks_left > 0 {also}
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
WHERE phone = %s AND purpose = %s AND status = 'pending' AND {only}
RETURNING id
"""


def inserting(alias: str, challenge: Challenge, only: Condition | None = None) -> Part:
    """A new challenge."""
    return writes.inserting(alias, ChallengeRow, _row(challenge), only)


def updating_sends(alias: str, challenge: Challenge) -> Part:
    """What a send changes, and nothing else: checks may be spent meanwhile. No row when it is pending no more."""
    row = _row(challenge)
    sends = {name: row[name] for name in ("language", "channel", "status", "sends_left", "sent_at", "charges")}
    return writes.updating(alias, ChallengeRow, sends, "id = %s AND status = 'pending'", [challenge.id])


def update_sends(alias: str, challenge: Challenge) -> bool:
    return bool(run(alias, updating_sends(alias, challenge)))


def find(alias: str, challenge_id: str) -> Challenge | None:
    rows = ChallengeRow.objects.using(alias).filter(id=challenge_id).values_list(*COLUMNS)
    return next(map(challenge_of, rows), None)


def of_phone(alias: str, phone: str) -> Part:
    """The phone's challenges that may still count, of its devices and of strangers: a handful."""
    oldest = f"{now_sql(alias)} - {LEDGER_SPAN}"
    sql = f"SELECT {', '.join(COLUMNS)} FROM {ChallengeRow._meta.db_table} WHERE phone = %s AND created_at > {oldest}"
    return Part(sql, [phone], len(COLUMNS))


def past(alias: str, phone: str, device: str) -> list[Challenge]:
    """Those of its devices, or those of strangers."""
    return past_of(run(alias, of_phone(alias, phone)), device)


def past_of(rows: Rows, device: str) -> list[Challenge]:
    return [item for row in rows if bool((item := challenge_of(row)).device) == bool(device)]


def open_to_check(alias: str, phone: str, purpose: str, challenge_id: str | None, device: str) -> Condition:
    """Which challenge a check is for, if it has one left."""
    now, by_phone = now_sql(alias), challenge_id is None
    found = _NEWEST_OPEN.format(table=ChallengeRow._meta.db_table, now=now) if by_phone else "%s"
    also = "AND phone_checks_left > 0" if by_phone else ""
    named = [phone, purpose, device] if by_phone else [challenge_id]
    return Condition(_OPEN.format(id=found, now=now, also=also), [*named, phone, purpose])


def spending_check(alias: str, which: Condition, *, by_phone: bool, only: Condition = ALWAYS) -> Part:
    """Spend before compare: the condition and the decrement are one statement. It returns the challenge."""
    sql = _SPEND_CHECK.format(
        table=ChallengeRow._meta.db_table,
        now=now_sql(alias),
        columns=", ".join(COLUMNS),
        which=which.sql,
        only=only.sql,
        also_set=", phone_checks_left = phone_checks_left - 1" if by_phone else "",
    )
    return Part(sql, [*which.params, *only.params], len(COLUMNS))


def exists(which: Condition) -> Condition:
    """That there is such a challenge."""
    return Condition(f"EXISTS (SELECT 1 FROM {ChallengeRow._meta.db_table} WHERE {which.sql})", which.params)


def extend(alias: str, challenge_id: str, ttl: int) -> bool:
    sql = _EXTEND.format(table=ChallengeRow._meta.db_table, now=now_sql(alias))
    return bool(run(alias, Part(sql, [ttl, ttl * 1000, challenge_id, ttl])))


def pending(challenge: Challenge) -> Condition:
    """That it is still that."""
    return exists(Condition("id = %s AND status = 'pending'", [challenge.id]))


def approving(alias: str, challenge: Challenge, only: Condition = ALWAYS) -> Part:
    """Approve it and cancel its open siblings; whose id is not among the rows was pending no more."""
    sql = _APPROVE.format(table=ChallengeRow._meta.db_table, now=now_sql(alias), only=only.sql)
    return Part(sql, [challenge.id, challenge.phone, challenge.purpose])


def approved(rows: Rows, challenge: Challenge) -> bool:
    return any(hexadecimal(row[0]) == challenge.id for row in rows)


def cancel(alias: str, challenge_id: str) -> bool:
    pending = ChallengeRow.objects.using(alias).filter(id=challenge_id, status=Status.PENDING)
    return pending.update(status=Status.CANCELED) == 1


def _row(challenge: Challenge) -> dict[str, Any]:
    row = {name: getattr(challenge, name) for name in COLUMNS}
    charges = [(c.key, c.slot, c.cost, c.shared, c.converts, c.sent_at) for c in challenge.charges]
    return row | {"sent_at": list(challenge.sent_at), "charges": charges, "expires_at": challenge.expires_at}


def challenge_of(row: tuple[Any, ...]) -> Challenge:
    """From a row of COLUMNS, whether the ORM has converted it or a raw cursor has not."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["id"] = hexadecimal(values["id"])
    values["status"] = Status(values["status"])
    values["sent_at"] = tuple(loaded(values["sent_at"]))
    values["charges"] = tuple(Charge(*charge) for charge in loaded(values["charges"]))
    return Challenge(**values)
