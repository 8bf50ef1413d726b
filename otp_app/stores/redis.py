"""Challenges and counters in Redis 7 or Valkey 9, deliveries in the database.

Each call is one round trip: one short script (``lua/``, each behind ``documents.lua`` and ``windows.lua``), which takes
the server's time, decides and writes all or nothing. One primary with replicas, with ``maxmemory-policy noeviction``.
Not Redis Cluster: one request takes limits of keys on different shards. Challenges and phones could be sharded by
phone; what all requests share cannot be counted exactly on shards that do not talk to each other.

What must outlast a flush or a failover is also in the database (:mod:`.recovery`). ``otp:generation`` names what the
data in the server is: without it, or when the server is another, a new generation begins. Its challenges are then void
(their last checks may be lost); the counters, and each phone when first seen, are raised to what the database knows.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, router

from .. import clock
from ..challenges import Challenge, Charge, Claim, Claiming, Demand, Grant, Limit, Status, Usage, random_id
from ..conf import conf
from ..errors import InvalidOrExpiredCode, ProofRequired, Unavailable
from ..keys import phone_key
from ..models import Delivery
from ..queries import run
from ..transactions import require_none
from ..writes import inserting
from . import crowds, journal, outbox, recovery, redis_server, scripts
from .purge import purge_records
from .redis_server import Server
from .scripts import Reply

logger = logging.getLogger("otp_app.stores.redis")

_SETTLED = 100  # sign-ins that one of them marks in SQL for all: a statement for each would double what it costs there
_TRIES = 4  # of a call: a server that forgot, then a phone that it does not know, and once more of both


class RedisStore:
    """For many processes and much traffic."""

    def open(self, challenge: Challenge, demand: Demand, claiming: Claiming | None = None) -> Grant:
        _outside_transactions()
        claims = claiming(challenge.phone, challenge.channel) if claiming else None
        asked = {"challenge": scripts.document_of(challenge)} | journal.asked_of(claims)
        return self._granted(self._take("open", challenge.phone, demand, **asked), claims)

    def get(self, challenge_id: str) -> Challenge | None:
        found, generation = redis_server.current().read(f"otp:c:{challenge_id}", "otp:generation")
        if not found:
            return None
        challenge = scripts.challenge_from(found)
        void = challenge.status is Status.PENDING and not (generation and generation["id"] == found["g"])
        return replace(challenge, status=Status.CANCELED) if void else challenge

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
        _outside_transactions()
        claims = claiming(phone, channel) if claiming else None
        wanted = {"id": challenge_id, "number": phone, "purpose": purpose, "device": device}
        how = {"language": language, "channel": channel, "lane": scripts.lane(device)} | journal.asked_of(claims)
        reply = self._take("spend_send", phone, demand, **wanted, **how)
        if reply["state"] == "none":
            raise InvalidOrExpiredCode
        return self._granted(reply, claims)

    def spend_check(
        self, phone: str, purpose: str, challenge_id: str | None, demand: Demand, *, device: str = ""
    ) -> Challenge | None:
        _outside_transactions()
        wanted = {"number": phone, "purpose": purpose, "device": device}
        if challenge_id is not None:
            wanted["id"] = challenge_id
        reply = self._take("spend_check", phone, demand, **wanted)
        if reply["state"] == "none":
            return None
        return crowds.charged(scripts.challenge_from(reply["challenge"]), demand.limits)

    def fail(self, challenge: Challenge) -> None:
        recovery.remember_failure(_alias(), challenge)

    def extend(self, challenge_id: str, ttl: int) -> bool:
        _outside_transactions()
        return bool(self._ask("extend", id=challenge_id, ttl=ttl)["state"] == "taken")

    def close(self, challenge: Challenge, status: Status) -> bool:
        _outside_transactions()
        reply = self._ask(
            "close",
            challenge.phone,
            id=challenge.id,
            status=status,
            checked_at=challenge.checked_at,
            charges=scripts.charges_in(challenge.given_back()),
            batch=_SETTLED,
        )
        if reply["state"] != "taken":
            return False
        with suppress(DatabaseError):  # it is for a report, and nobody is kept from signing in for that
            outbox.mark_converted(_alias(), list(reply["converted"]))
        return True

    def settle(self) -> int:
        abandoned = 0
        while True:
            found = self._ask("settle", batch=_SETTLED, lease=conf.LEASE * 1000, written=journal.written())
            if not found["converted"] and not found["left"]:
                return abandoned
            outbox.mark_converted(_alias(), list(found["converted"]))
            abandoned += sum(journal.abandon(entry, self.get) for entry in found["left"])

    def undo_send(self, challenge: Challenge, *, chosen: bool = False) -> None:
        _outside_transactions()
        self._ask("undo_send", challenge.phone, id=challenge.id, at=challenge.sent_at[-1], chosen=chosen)

    def take(self, demand: Demand) -> tuple[Charge, ...]:
        _outside_transactions()
        return crowds.charges(demand.limits, self._take("take", "", demand)["now"])

    def give_back(self, charges: Sequence[Charge]) -> None:
        _outside_transactions()
        self._ask("give_back", charges=scripts.charges_in(charges))

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        return scripts.usages_of(limits, self._ask("usage", phone, limits, lane=scripts.lane(device)))

    def hold(self, holds: Mapping[str, int]) -> None:
        self._ask("hold", holds=holds)

    def lift(self, key: str, forgives: str) -> None:
        _outside_transactions()
        self._ask("lift", key=key, forgives=forgives)

    def now(self) -> int:
        return redis_server.current().now() + clock.offset()

    def purge(self) -> int:
        """Nothing to delete here: all that is in Redis expires by itself."""
        purge_records(_alias(), self.now())
        return 0

    def _take(self, name: str, phone: str, demand: Demand, **asked: Any) -> Reply:
        """Ask for what a demand needs; what it is refused for is raised."""
        judged = demand.conversion
        if judged:
            asked["conversion"] = scripts.conversion_in(judged)
        reply = self._ask(name, phone, demand.limits, proven=demand.proven, **asked)
        if reply["state"] == "proof":
            raise ProofRequired
        if judged and reply["state"] == "conversion":
            raise scripts.poor_conversion(judged, reply)
        if reply["state"] == "refused":
            raise scripts.refusal(scripts.usages_of(demand.limits, reply), reply)
        return reply

    def _granted(self, reply: Reply, claims: Mapping[str, Claim] | None) -> Grant:
        """What is claimed is in the journal, and comes into the database when its end is known."""
        challenge = scripts.challenge_from(reply["challenge"])
        now, again = reply["now"], -(-reply["again"] // 1000)
        if claims is None:
            self._queue(challenge, reply)
            return Grant(challenge, now, again)
        claim = claims.get(challenge.channel, Claim(""))
        row = outbox.row_of(challenge, claim, now, reply["unconverted"])
        return Grant(challenge, now, again, claim, reply.get("holds", {}), row, reply["journal"])

    def _queue(self, challenge: Challenge, reply: Reply) -> None:
        """A send that cannot be written down for a worker is not delivered, and costs nobody anything."""
        alias = _alias()
        row = outbox.row_of(challenge, None, reply["now"], reply["unconverted"])
        try:
            run(alias, inserting(alias, Delivery, row))
        except DatabaseError:
            self.undo_send(challenge)
            raise

    def _ask(self, name: str, phone: str = "", limits: Sequence[Limit] = (), **asked: Any) -> Reply:
        """Run a script; when the server does not know what it needs for an answer, tell it and ask again."""
        server = redis_server.current()
        asked |= {"offset": clock.offset()} | ({"phone": phone_key(phone)} if phone else {})
        for _ in range(_TRIES):
            reply = server.run(name, asked, limits)
            if reply["state"] == "cold":
                _begin_generation(server, reply["now"])
            elif reply["state"] == "history":
                asked["history"] = recovery.of_phone(_alias(), phone, reply["now"])
            else:
                return reply
        raise Unavailable


def _begin_generation(server: Server, now: int) -> None:
    known = recovery.of_crowds(_alias(), now)
    named = {"id": random_id(), "server": server.identity(), "offset": clock.offset()}
    begun = server.run("recover", known | named)["state"] == "taken"
    if begun and not known["complete"]:
        logger.warning("Redis held nothing, or was replaced: the limits go on from the database")


def _alias() -> str:
    return router.db_for_write(Delivery)


def _outside_transactions() -> None:
    require_none(_alias())
