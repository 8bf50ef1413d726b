"""Connect to the Redis server of the store, check each new connection, and run the store's scripts."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError
from redis.retry import Retry

from ...conf import conf
from ...errors import Unavailable
from ..wire import Document

logger = logging.getLogger("otp_app.stores.redis")

_warn_of_evictions = cache(
    partial(logger.warning, "Redis may evict what the limits count on: set maxmemory-policy to noeviction")
)


# What is put before each of the other files in lua.
_BEFORE = ("documents", "rings", "windows", "writes")


@cache
def _lua(name: str) -> str:
    return (Path(__file__).with_name("lua") / f"{name}.lua").read_text() + "\n"


@cache
def _script(name: str) -> tuple[str, str]:
    """Return a whole script, and the digest by which a server knows it."""
    script = "".join(map(_lua, (*_BEFORE, name)))
    return script, hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


class RedisServer:
    """Run scripts over a pool of connections, each of which is opened when it is first used."""

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
        self._connections = self._client.connection_pool

    def run(self, name: str, asked: str) -> Document:
        with self._reported():
            answer: Document = json.loads(self._evaluate(name, asked))
        return answer

    def _evaluate(self, name: str, asked: str) -> str:
        """Run a script on a connection directly, because the client's handling of commands costs as much again."""
        script, digest = _script(name)
        connection = self._connections.get_connection()
        try:
            try:
                return str(_answer(connection, "EVALSHA", digest, 0, asked))
            except NoScriptError:  # nothing ran
                return str(_answer(connection, "EVAL", script, 0, asked))
        except BaseException as error:
            if not isinstance(error, ResponseError):  # its answer may come yet, and be taken for that of the next
                connection.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            self._connections.release(connection)

    def read(self, *keys: str) -> list[Any]:
        with self._reported():
            return [value and json.loads(value) for value in self._client.mget(keys)]

    def now(self) -> int:
        with self._reported():
            seconds, microseconds = self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def identity(self) -> str:
        """Return the server's id, which is another one after each start."""
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


_pooled = lru_cache(maxsize=8)(RedisServer)


def current() -> RedisServer:
    return _pooled(conf.REDIS_URL, conf.REDIS_TIMEOUT)


def _answer(connection: Any, *command: str | int) -> Any:
    connection.send_command(*command)
    return connection.read_response()


def _greet(connection: Any) -> None:
    """Check, before a new connection is used, that it leads to a primary, and to the server whose data we know."""
    connection.on_connect()
    connection.send_command("INFO", "server", "replication", "memory")
    facts = dict(line.split(":", 1) for line in connection.read_response().splitlines() if ":" in line)
    if facts.get("role", "master") != "master":
        raise ReadOnlyError
    connection.send_command("EVAL", _lua("connect"), 0, facts["run_id"])
    connection.read_response()
    if facts.get("maxmemory_policy", "noeviction") != "noeviction":
        _warn_of_evictions()
