"""Challenges and counters in the project's database: PostgreSQL, or SQLite from 3.35.

PostgreSQL does most of it in one statement that commits itself (:mod:`.optimistic`); these transactions do the rest,
and all of it on SQLite. Each begins with a write (the counters), so that SQLite never has to upgrade a read lock, and
takes its locks in one order: the phone's row, the counters that few requests share by their keys, then those in which
all meet, and challenges; a send, which has its phone to itself, changes its challenge before what all meet in.

A row of the phone's is always among the counters of a send and of an approval: it puts in line whatever changes that
phone's budget. That budget itself is read from the phone's challenges, a handful of rows, so what an approval or an
expiry gives back is given back by the fact alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import router, transaction

from ..challenges import Challenge, Charge, Claiming, Demand, Grant, Limit, Status, Usage
from ..errors import InvalidOrExpiredCode, ProofRequired
from ..keys import phone_key
from ..models import ChallengeRow
from ..queries import Part, together
from ..transactions import durable, require_none
from . import counters, crowds, optimistic, outbox, refusals, standing, takes
from . import rows as table
from .purge import purge
from .standing import Standing


class SqlStore:
    """The default store."""

    def open(self, challenge: Challenge, demand: Demand, claiming: Claiming | None = None) -> Grant:
        alias = self._alias()
        require_none(alias)
        with refusals.explained(alias, demand, challenge.phone, challenge.device):
            if grant := optimistic.open_one(alias, challenge, demand, claiming):
                return grant
        with self._transaction(demand, challenge.phone, challenge.device) as alias:
            seen = standing.lock(alias, demand, challenge.phone, challenge.device)
            standing.require(seen, demand.limits, ledger=not challenge.device)
            opened = challenge.opened(seen.now, crowds.charges(demand.limits, seen.now, seen.counted, seen.now))
            how = _write(alias, demand, seen, opened, table.inserting(alias, opened), claiming)
        return standing.granted(opened, [*seen.past, opened], demand.limits, seen.now, how)

    def get(self, challenge_id: str) -> Challenge | None:
        return table.find(self._alias(), challenge_id)

    def spend_send(
        self,
        phone: str,
        purpose: str,
        challenge_id: str,
        demand: Demand,
        claiming: Claiming | None = None,
        *,
        device: str,
        language: str,
        channel: str,
    ) -> Grant:
        with self._transaction(demand, phone, device) as alias:
            seen = standing.lock(alias, demand, phone, device)
            past = {item.id: item for item in seen.past}
            found = past.get(challenge_id)
            if not found or (found.purpose, found.device) != (purpose, device) or not _may_send_again(found, seen.now):
                raise InvalidOrExpiredCode
            standing.require(seen, demand.limits, ledger=False)
            at = max(seen.now, 0, *(before + 1 for before in found.sent_at))  # it names the send
            again = replace(
                found,
                language=language,
                channel=channel or found.channel,
                sends_left=found.sends_left - 1,
                sent_at=(*found.sent_at, at),
                charges=found.charges + crowds.charges(demand.limits, seen.now, seen.counted, at),
            )
            how = _write(alias, demand, seen, again, table.updating_sends(alias, again), claiming)
        so_far = list((past | {again.id: again}).values())
        return standing.granted(again, so_far, demand.limits, seen.now, how)

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, demand: Demand, *, device: str = ""
    ) -> Challenge | None:
        alias, by_phone = self._alias(), challenge_id is None
        which = table.open_to_check(alias, phone, purpose, challenge_id, device)
        require_none(alias)
        if checked := optimistic.spend_check(alias, which, demand, by_phone=by_phone):
            return checked
        wanted = crowds.own(demand.limits)
        with self._transaction(demand):
            parts = [takes.taking(alias, wanted)] if wanted else []
            *counted, spent = together(alias, [*parts, table.spending_check(alias, which, by_phone=by_phone)])
            rows = crowds.all_of(wanted, takes.taken(counted[0]) if counted else {})
            if not spent:
                transaction.set_rollback(True, using=alias)
        return crowds.charged(table.challenge_of(spent[0]), demand.limits, rows) if spent else None

    def fail(self, challenge: Challenge) -> None:
        """Nothing to do: a spent check is a failed one until its challenge is approved."""

    def extend(self, challenge_id: str, ttl: int) -> bool:
        with self._transaction() as alias:
            return table.extend(alias, challenge_id, ttl)

    def close(self, challenge: Challenge, status: Status) -> bool:
        if status is not Status.APPROVED:
            return table.cancel(self._alias(), challenge.id)
        require_none(self._alias())
        if optimistic.approve(self._alias(), challenge):
            return True
        wanted = crowds.giving_back(challenge.given_back(), phone_key(challenge.phone))
        with self._transaction() as alias:
            _, rows = together(alias, [takes.taking(alias, wanted), table.approving(alias, challenge)])
            if not (approved := table.approved(rows, challenge)):
                transaction.set_rollback(True, using=alias)
        return approved

    def undo_send(self, challenge: Challenge, *, chosen: bool = False) -> None:
        at = challenge.sent_at[-1]
        with self._transaction() as alias:
            takes.take(alias, crowds.giving_back((), phone_key(challenge.phone)))
            found = table.find(alias, challenge.id)
            given = found.unspent(at) if found and not chosen else ()
            undone = found and at in found.sent_at and table.update_sends(alias, _without(found, at, chosen=chosen))
        if undone:
            self.give_back(given)  # on its own, for the locks of counters come before those of challenges

    def take(self, demand: Demand) -> tuple[Charge, ...]:
        wanted = crowds.own(demand.limits)
        with self._transaction(demand) as alias:
            counted = crowds.all_of(wanted, takes.take(alias, wanted))
        return crowds.charges(demand.limits, next(iter(counted.values())).now, counted)

    def give_back(self, charges: Sequence[Charge]) -> None:
        if wanted := crowds.giving_back(charges):
            with self._transaction() as alias:
                takes.take(alias, wanted)

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        return refusals.usage(self._alias(), limits, phone, "any" if device else "")[1]

    def lift(self, key: str, forgives: str) -> None:
        with self._transaction() as alias:
            counters.lift(alias, key, forgives)

    def settle(self) -> int:
        """Nothing to do: it is all there."""
        return 0

    def hold(self, holds: Mapping[str, int]) -> None:
        """Nothing to do: it is looked up where it is written."""

    def now(self) -> int:
        return counters.read_now(self._alias())

    def purge(self) -> int:
        return purge(self._alias())

    def _alias(self) -> str:
        return router.db_for_write(ChallengeRow)

    @contextmanager
    def _transaction(self, demand: Demand | None = None, phone: str = "", device: str = "") -> Iterator[str]:
        """A transaction of our own; what a demand is refused for is said after its rollback."""
        alias = self._alias()
        with refusals.explained(alias, demand or Demand(), phone, device), durable(alias):
            yield alias


def _write(
    alias: str, demand: Demand, seen: Standing, challenge: Challenge, change: Part, claiming: Claiming | None
) -> dict[str, Any]:
    """The send, its delivery, and last what all requests share; what a grant says of the claim."""
    claim = outbox.claim_of(challenge, claiming)
    row = outbox.row_of(challenge, claim, seen.now)
    wanted = crowds.shared(demand.limits, seen.now)
    parts = [change, *outbox.queueing(alias, row, claim)]
    changed, *queued = together(alias, [*parts, *([takes.taking(alias, wanted)] if wanted else [])])
    if not changed:
        raise InvalidOrExpiredCode
    counted = seen.counted | crowds.all_of(wanted, takes.taken(queued.pop()) if wanted else {})
    if crowds.look_wrong(demand.limits, demand.conversion, counted) and not demand.proven:
        raise ProofRequired
    return {"claim": claim, "blocked": outbox.blocked(queued), "row": row}


def _may_send_again(challenge: Challenge, now: int) -> bool:
    alive = challenge.status is Status.PENDING and challenge.expires_at > now
    return alive and challenge.sends_left > 0 and challenge.checks_left > 0


def _without(challenge: Challenge, sent_at: int, *, chosen: bool) -> Challenge:
    """Make a challenge as if that send had never been; and a success must not give back again what is given back."""
    left = tuple(at for at in challenge.sent_at if at != sent_at)
    charges = tuple(charge for charge in challenge.charges if chosen or charge.sent_at != sent_at)
    status = Status.PENDING if left else Status.CANCELED
    return replace(challenge, sent_at=left, sends_left=challenge.sends_left + 1, status=status, charges=charges)
