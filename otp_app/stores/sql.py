"""Challenges and counters in the project's database: PostgreSQL, or SQLite from 3.35.

Every transaction begins with a write (the counters), so that SQLite never has to upgrade a read lock, and takes its
locks in one order: counters by key, then challenges. A row of the phone's is always among the counters of a send and of
an approval: it puts in line whatever changes that phone's budget. That budget itself is read from the phone's
challenges, a handful of rows, so what an approval or an expiry gives back is given back by the fact alone.
"""

import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from django.db import router, transaction

from ..challenges import Challenge, Charge, Counts, Grant, Limit, Status
from ..errors import InsideTransaction, InvalidOrExpiredCode, Limited
from ..keys import ledger_id
from ..models import ChallengeRow
from . import rows as table
from . import windows
from .counters import LEDGER_SPAN, Row, Take, read, read_now, take
from .purge import purge


class SqlStore:
    """The default store."""

    def open(self, challenge: Challenge, limits: tuple[Limit, ...]) -> Grant:
        with self._transaction() as alias:
            counted = _take_limits(alias, challenge.phone, limits)
            ledger = counted[_ledger(challenge.phone)]
            past = table.past(alias, challenge.phone, ledger.now)
            _refuse(windows.refusal(limits, past, ledger.slots, ledger.now, challenge.checks))
            opened = replace(
                challenge,
                created_at=ledger.now,
                sends_left=challenge.sends_left - 1,
                sent_at=(ledger.now,),
                charges=_charges(limits, counted),
            )
            table.insert(alias, opened)
        return _grant(opened, [*past, opened], limits, ledger.now)

    def get(self, challenge_id: str) -> Challenge | None:
        return table.find(self._alias(), challenge_id)

    def spend_send(
        self, phone: str, purpose: str, challenge_id: str, limits: tuple[Limit, ...], *, language: str, channel: str
    ) -> Grant:
        with self._transaction() as alias:
            counted = _take_limits(alias, phone, limits)
            now = counted[_ledger(phone)].now
            past = {item.id: item for item in table.past(alias, phone, now)}
            found = past.get(challenge_id)
            if found is None or found.purpose != purpose or not _may_send_again(found, now):
                raise InvalidOrExpiredCode
            _refuse(windows.refusal(limits, list(past.values()), {}, now, 0))
            again = replace(
                found,
                language=language,
                channel=channel,
                sends_left=found.sends_left - 1,
                sent_at=(*found.sent_at, now),
                charges=found.charges + _charges(limits, counted),
            )
            if not table.update_sends(alias, again):
                raise InvalidOrExpiredCode
            table.queue_delivery(alias, again)
        return _grant(again, list((past | {again.id: again}).values()), limits, now)

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, limits: tuple[Limit, ...]
    ) -> Challenge | None:
        with self._transaction() as alias:
            if limits:
                _take_limits(alias, "", limits)
            found = table.spend_check(alias, phone, purpose, challenge_id)
            if found is None:
                transaction.set_rollback(True, using=alias)
        return found

    def close(self, challenge: Challenge, status: Status) -> bool:
        if status is not Status.APPROVED:
            return table.cancel(self._alias(), challenge.id)
        with self._transaction() as alias:
            take(alias, [_phone_lock(challenge.phone), *_give_back(challenge.charges)])
            approved = table.approve(alias, challenge)
            if not approved:
                transaction.set_rollback(True, using=alias)
        return approved

    def undo_send(self, challenge: Challenge) -> None:
        with self._transaction() as alias:
            take(alias, [_phone_lock(challenge.phone)])
            if found := table.find(alias, challenge.id):
                left = tuple(at for at in found.sent_at if at != challenge.sent_at[-1])
                status = Status.PENDING if left else Status.CANCELED
                table.update_sends(alias, replace(found, sent_at=left, sends_left=found.sends_left + 1, status=status))

    def purge(self) -> int:
        return purge(self._alias())

    def _alias(self) -> str:
        return router.db_for_write(ChallengeRow)

    @contextmanager
    def _transaction(self) -> Iterator[str]:
        """A transaction of our own: inside another, its rollback would hand every spent check back to the guesser."""
        alias = self._alias()
        with ExitStack() as stack:
            try:
                stack.enter_context(transaction.atomic(using=alias, durable=True))
            except RuntimeError as error:
                raise InsideTransaction(inspect.cleandoc(InsideTransaction.__doc__ or "")) from error
            yield alias


def _take_limits(alias: str, phone: str, limits: tuple[Limit, ...]) -> dict[str, Row]:
    """Take the crowd limits and the phone's lock in one statement; Limited when one of them refuses."""
    crowd = [limit for limit in limits if limit.counts is Counts.CROWD]
    takes = [_crowd_take(limit) for limit in crowd]
    rows = take(alias, [*takes, _phone_lock(phone)] if phone else takes)
    if refused := [limit for limit in crowd if limit.key not in rows]:
        _refuse(_longest_wait(alias, refused))
    return rows


def _longest_wait(alias: str, refused: list[Limit]) -> tuple[Limit, int]:
    counted = read(alias, [limit.key for limit in refused])
    now = read_now(alias)

    def wait(limit: Limit) -> int:
        width = windows.slot_width(limit.period)
        holds = windows.slot_holds(counted.get(limit.key, {}), windows.SUB_BUCKETS, width)
        return windows.wait(holds, now, limit.amount, 1)

    return max(((limit, wait(limit)) for limit in refused), key=lambda pair: pair[1])


def _refuse(refusal: tuple[Limit, int] | None) -> None:
    if refusal:
        limit, milliseconds = refusal
        raise Limited(limit.name, -(-milliseconds // 1000))


def _crowd_take(limit: Limit) -> Take:
    return Take(limit.key, windows.SUB_BUCKETS, windows.slot_width(limit.period), amount=limit.amount)


def _ledger(phone: str) -> str:
    return ledger_id("failures", phone)


def _phone_lock(phone: str) -> Take:
    return Take(_ledger(phone), LEDGER_SPAN, 1, cost=0)


def _charges(limits: tuple[Limit, ...], rows: dict[str, Row]) -> tuple[Charge, ...]:
    return tuple(Charge(limit.key, rows[limit.key].newest, windows.SUB_BUCKETS) for limit in limits if limit.converts)


def _give_back(charges: tuple[Charge, ...]) -> list[Take]:
    """One row per key, however many sends of the challenge it counted."""
    slots: dict[tuple[str, int], Counter[int]] = {}
    for charge in charges:
        slots.setdefault((charge.key, charge.span), Counter())[charge.slot] -= 1
    return [
        Take(key, span, 1, slot=min(counted), slots=tuple(counted.items())) for (key, span), counted in slots.items()
    ]


def _may_send_again(challenge: Challenge, now: int) -> bool:
    alive = challenge.status is Status.PENDING and challenge.expires_at > now
    return alive and challenge.sends_left > 0 and challenge.checks_left > 0


def _grant(challenge: Challenge, past: list[Challenge], limits: tuple[Limit, ...], now: int) -> Grant:
    refusal = windows.refusal(limits, past, {}, now, 0)
    return Grant(challenge, now, -(-refusal[1] // 1000) if refusal else 0)
