"""Challenges and counters in Redis 7 or Valkey 9, deliveries in the database.

Each call is one round trip: one short script (``lua/``, each behind ``documents.lua`` and ``windows.lua``), which takes
the server's time, decides and writes all or nothing. One primary with replicas, with ``maxmemory-policy noeviction``.
Not Redis Cluster: one request takes limits of keys on different shards. Challenges and phones could be sharded by
phone; what all requests share cannot be counted exactly on shards that do not talk to each other.

What must outlast a flush or a failover is also in the database (:mod:`.recovery`). ``otp:generation`` names what the
data in the server is: without it, or when the server is another, a new generation begins. Its challenges are then void
(their last checks may be lost); the counters, and each phone when first seen, are raised to what the database knows.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache, lru_cache, partial
from typing import Any

import redis
from django.db import DatabaseError, router
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError
from redis.retry import Retry

from .. import clock
from ..challenges import Challenge, Charge, Demand, Grant, Limit, Status, Usage, random_id
from ..conf import conf
from ..errors import InvalidOrExpiredCode, ProofRequired, Unavailable
from ..keys import phone_key
from ..models import Delivery
from ..transactions import require_none
from . import crowds, outbox, recovery, scripts
from .purge import purge_records
from .scripts import Reply

logger = logging.getLogger("otp_app.stores.redis")

_warn_of_evictions = cache(
    partial(logger.warning, "Redis may evict what the limits count on: set maxmemory-policy to noeviction")
)
_TRIES = 4  # of a call: a server that forgot, then a phone that it does not know, and once more of both


class RedisStore:
    """For many processes and much traffic."""

    def open(self, challenge: Challenge, demand: Demand) -> Grant:
        alias = _outside_transactions()
        reply = self._take("open", challenge.phone, demand, challenge=scripts.document_of(challenge))
        return self._granted(alias, reply, demand)

    def get(self, challenge_id: str) -> Challenge | None:
        found, generation = _server().read(f"otp:c:{challenge_id}", "otp:generation")
        if not found:
            return None
        challenge = scripts.challenge_from(found)
        void = challenge.status is Status.PENDING and not (generation and generation["id"] == found["g"])
        return replace(challenge, status=Status.CANCELED) if void else challenge

    def spend_send(
        self, phone: str, purpose: str, challenge_id: str, demand: Demand, *, device: str, language: str, channel: str
    ) -> Grant:
        alias = _outside_transactions()
        wanted = {"id": challenge_id, "number": phone, "purpose": purpose, "device": device}
        how = {"language": language, "channel": channel, "lane": scripts.lane(device)}
        reply = self._take("spend_send", phone, demand, **wanted, **how)
        if reply["state"] == "none":
            raise InvalidOrExpiredCode
        return self._granted(alias, reply, demand)

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
        ended = {"id": challenge.id, "status": status, "checked_at": challenge.checked_at}
        charges = scripts.charges_in(challenge.given_back())
        if self._ask("close", challenge.phone, **ended, charges=charges)["state"] != "taken":
            return False
        with suppress(DatabaseError):  # it is for a report, and nobody is kept from signing in for that
            outbox.mark_converted(_alias(), [challenge.id] if status is Status.APPROVED else [])
        return True

    def undo_send(self, challenge: Challenge, given: Sequence[Charge] = ()) -> None:
        _outside_transactions()
        charges = scripts.charges_in(given)
        self._ask("undo_send", challenge.phone, id=challenge.id, at=challenge.sent_at[-1], charges=charges)

    def take(self, demand: Demand) -> tuple[Charge, ...]:
        _outside_transactions()
        return crowds.charges(demand.limits, self._take("take", "", demand)["now"])

    def give_back(self, charges: Sequence[Charge]) -> None:
        _outside_transactions()
        self._ask("give_back", charges=scripts.charges_in(charges))

    def usage(self, limits: Sequence[Limit], *, phone: str = "", device: bool = False) -> list[Usage]:
        asked = {"limits": scripts.limits_in(limits), "lane": scripts.lane(device)}
        return scripts.usages_of(limits, self._ask("usage", phone, **asked))

    def lift(self, key: str, forgives: str) -> None:
        _outside_transactions()
        self._ask("lift", key=key, forgives=forgives)

    def now(self) -> int:
        return _server().now() + clock.offset()

    def purge(self) -> int:
        """Nothing to delete here: all that is in Redis expires by itself."""
        purge_records(_alias(), self.now())
        return 0

    def _take(self, name: str, phone: str, demand: Demand, **asked: Any) -> Reply:
        """Ask for what a demand needs; what it is refused for is raised."""
        judged = demand.conversion
        if judged:
            asked["conversion"] = asdict(judged)
        reply = self._ask(name, phone, limits=scripts.limits_in(demand.limits), proven=demand.proven, **asked)
        if reply["state"] == "proof":
            raise ProofRequired
        if judged and reply["state"] == "conversion":
            raise scripts.poor_conversion(judged, reply)
        if reply["state"] == "refused":
            raise scripts.refusal(scripts.usages_of(demand.limits, reply), reply)
        return reply

    def _granted(self, alias: str, reply: Reply, demand: Demand) -> Grant:
        """A send that cannot be written down is not delivered, and costs nobody anything."""
        challenge, taken = scripts.challenge_from(reply["challenge"]), crowds.charges(demand.limits, reply["now"])
        try:
            outbox.queue(alias, challenge, reply["unconverted"])
        except DatabaseError:
            self.undo_send(challenge, taken)
            raise
        return Grant(challenge, reply["now"], -(-reply["again"] // 1000), taken)

    def _ask(self, name: str, phone: str = "", **asked: Any) -> Reply:
        """Run a script; when the server does not know what it needs for an answer, tell it and ask again."""
        server = _server()
        asked |= {"offset": clock.offset()} | ({"phone": phone_key(phone)} if phone else {})
        for _ in range(_TRIES):
            reply = server.run(name, asked)
            if reply["state"] == "cold":
                _begin_generation(server, reply["now"])
            elif reply["state"] == "history":
                asked["history"] = recovery.of_phone(_alias(), phone, reply["now"])
            else:
                return reply
        raise Unavailable


class _Server:
    """A pool of connections, made when they are first used, and the scripts that go over it."""

    def __init__(self, url: str, timeout: float) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),  # a script that timed out may have run
            protocol=2,
            decode_responses=True,
            redis_connect_func=_greet,
        )
        prelude = scripts.lua("documents") + scripts.lua("windows")
        self._scripts = {name: self._client.register_script(prelude + scripts.lua(name)) for name in scripts.NAMES}

    def run(self, name: str, asked: dict[str, Any]) -> Reply:
        with self._reported():
            reply: Reply = json.loads(self._scripts[name](args=[json.dumps(asked)]))
        return reply

    def read(self, *keys: str) -> list[Any]:
        with self._reported():
            return [value and json.loads(value) for value in self._client.mget(keys)]

    def now(self) -> int:
        with self._reported():
            seconds, microseconds = self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def identity(self) -> str:
        """Another one for each start of each server."""
        with self._reported():
            return str(self._client.info("server")["run_id"])

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            logger.error("Redis: %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote the request)
            if isinstance(error, ReadOnlyError):  # what was the primary is a replica now: look for the new one
                self._client.connection_pool.disconnect(inuse_connections=False)
            raise Unavailable from None


_pooled = lru_cache(maxsize=8)(_Server)


def _server() -> _Server:
    return _pooled(conf.REDIS_URL, conf.REDIS_TIMEOUT)


def _greet(connection: Any) -> None:
    """A new connection sees first whether this is still the server whose data we know."""
    connection.on_connect()
    connection.send_command("INFO", "server", "replication", "memory")
    facts = dict(line.split(":", 1) for line in connection.read_response().splitlines() if ":" in line)
    if facts.get("role", "master") != "master":
        raise ReadOnlyError
    connection.send_command("EVAL", scripts.lua("connect"), 0, facts["run_id"])
    connection.read_response()
    if facts.get("maxmemory_policy", "noeviction") != "noeviction":
        _warn_of_evictions()


def _begin_generation(server: _Server, now: int) -> None:
    known = recovery.of_crowds(_alias(), now)
    named = {"id": random_id(), "server": server.identity(), "offset": clock.offset()}
    begun = server.run("recover", known | named)["state"] == "taken"
    if begun and not known["complete"]:
        logger.warning("Redis held nothing, or was replaced: the limits go on from the database")


def _alias() -> str:
    return router.db_for_write(Delivery)


def _outside_transactions() -> str:
    require_none(alias := _alias())
    return alias
