"""Keep challenges and counters in Redis 7 or Valkey 9, and deliveries in the database.

Each call is one round trip: one short script (``lua/``), which takes the server's time, decides and writes all or
nothing. One primary with replicas, with ``maxmemory-policy noeviction``.
Not Redis Cluster: one request takes limits of keys on different shards. Challenges and phones could be sharded by
phone; what all requests share cannot be counted exactly on shards that do not talk to each other.

What must outlast a flush or a failover is also in the database (:mod:`.recovery`). ``otp:generation`` names what the
data in the server is: without it, or when the server is another, a new generation begins. Its challenges are then void
(their last checks may be lost); the counters, and each phone when first seen, are raised to what the database knows.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import DatabaseError

from ...challenges import Challenge, Claims, Grant, Status, random_id
from ...conf import conf
from ...db import clock, writes
from ...errors import Unavailable
from ...keys import phone_key
from ...limits.values import RequestLimits
from ...models import Delivery
from .. import outbox, wire
from ..asking import AskingStore
from ..outbox import database
from ..purge import purge
from ..wire import Document
from . import journal, recovery
from . import server as redis_server
from .server import RedisServer

logger = logging.getLogger("otp_app.stores.redis")

_CONVERTED_BATCH = (
    100  # sign-ins that one of them marks in SQL for all: a statement for each would double what it costs there
)
_MAX_TRIES = 4  # of a call: a server that forgot, then a phone that it does not know, and once more of both


class RedisStore(AskingStore):
    """Serve many processes and much traffic."""

    def get(self, challenge_id: str) -> Challenge | None:
        found, generation = redis_server.current().read(f"otp:c:{challenge_id}", "otp:generation")
        if not found:
            return None
        challenge = wire.challenge_of(found)
        void = challenge.status is Status.PENDING and not (generation and generation["id"] == found["g"])
        return replace(challenge, status=Status.CANCELED) if void else challenge

    def fail(self, challenge: Challenge) -> None:
        recovery.remember_failure(database(), challenge)

    def close(self, challenge: Challenge, status: Status) -> bool:
        answer = self._closed(challenge, status, batch=_CONVERTED_BATCH)
        if answer["state"] != "taken":
            return False
        with suppress(DatabaseError):  # it is for a report, and nobody is kept from signing in for that
            outbox.mark_converted(database(), list(answer["converted"]))
        return True

    def reopen(self, challenge: Challenge) -> None:
        self._ask_outside_transactions("reopen", {"id": challenge.id, "phone": phone_key(challenge.phone)})

    def settle(self) -> int:
        abandoned = 0
        while True:
            asked = {"batch": _CONVERTED_BATCH, "lease": conf.LEASE * 1000, "written": journal.written()}
            found = self._ask("settle", asked, RequestLimits())
            if not found["converted"] and not found["left"]:
                return abandoned
            outbox.mark_converted(database(), list(found["converted"]))
            abandoned += sum(journal.abandon(entry, self.get) for entry in found["left"])

    def set_blocks(self, blocks: Mapping[str, int]) -> None:
        self._ask("set_blocks", {"blocks": blocks}, RequestLimits())

    def now(self) -> int:
        return redis_server.current().now() + clock.offset()

    def purge(self) -> int:
        """Delete what is in the database: all that is in Redis expires by itself."""
        return purge(database(), self.now())

    def forget(self, phone: str) -> None:
        """Delete also what the database holds from before the project went over to Redis. Redis comes last."""
        super().forget(phone)
        recent = recovery.challenges_of(database(), phone, self.now())
        self._ask("forget", {"phone": phone_key(phone), "number": phone, "ids": recent}, RequestLimits())

    def _send(
        self, name: str, phone: str, device: str, request_limits: RequestLimits, claims: Claims | None, asked: Document
    ) -> Grant:
        """Keep a journal of what is claimed: it comes into the database with its end."""
        if claims is not None:
            journal.require()
            asked["written"] = journal.written()
        return super()._send(name, phone, device, request_limits, claims, asked)

    def _queue(self, challenge: Challenge, row: dict[str, Any]) -> None:
        """Write the delivery down. A send for which that fails is not delivered, and costs nobody anything."""
        try:
            writes.run(database(), writes.inserting(database(), Delivery, row))
        except DatabaseError:
            self.undo_send(challenge)
            raise

    def _ask(self, name: str, asked: Document, request_limits: RequestLimits) -> Document:
        """Run a script; when the server does not know what it needs for an answer, tell it and ask again."""
        server = redis_server.current()
        for _ in range(_MAX_TRIES):
            answer = server.run(name, wire.written(asked, request_limits))
            if answer["state"] == "cold":
                _begin_generation(server, answer["now"])
            elif answer["state"] == "history":
                asked["history"] = recovery.of_phone(database(), asked["number"], answer["now"])
            else:
                return answer
        raise Unavailable


def _begin_generation(server: RedisServer, now: int) -> None:
    known = recovery.of_key_counters(database(), now)
    named: dict[str, Any] = {"id": random_id(), "server": server.identity()}
    begun = server.run("recover", wire.written(known | named, RequestLimits()))["state"] == "taken"
    if begun and not known["complete"]:
        logger.warning("Redis held nothing, or was replaced: the limits go on from the database")
