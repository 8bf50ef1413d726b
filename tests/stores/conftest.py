"""The store in Redis with its server, one that a test may stop, and a write-behind of the test's own."""

import threading
from types import SimpleNamespace

import pytest
import redis
from django.db import connections

from otp_app.stores import write_behind
from otp_app.stores.redis import RedisStore
from tests.valkey import running

from .outcomes import in_its_thread


@pytest.fixture
def server(redis_server):
    return redis_server


@pytest.fixture(scope="module")
def _own():
    with running() as started:
        yield started


@pytest.fixture
def own(_own, settings):
    """A server that may be stopped and paused."""
    _own.flush()
    settings.OTP_REDIS_URL = _own.url
    settings.OTP_REDIS_TIMEOUT = 0.5
    yield _own
    _own.resume()


@pytest.fixture
def store(server, settings, clock):
    server.flush()
    settings.OTP_REDIS_URL = server.url
    return RedisStore()


@pytest.fixture
def round_trips(monkeypatch):
    """The commands sent."""
    sent = []
    send = redis.connection.AbstractConnection.send_command

    def counted(connection, *words, **options):
        sent.append(words[0])
        return send(connection, *words, **options)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_command", counted)
    return sent


@pytest.fixture
def writer():
    """One of the test's own."""
    write_behind._buffer_of.cache_clear()
    yield (own := write_behind.current())
    in_its_thread(own, connections.close_all)
    own._thread.shutdown()
    write_behind._buffer_of.cache_clear()


@pytest.fixture
def statements(monkeypatch):
    """How many rows each statement wrote."""
    rows, merging = [], write_behind.writes.merging

    def noted(*asked):
        rows.append(len(asked[2]))
        return merging(*asked)

    monkeypatch.setattr(write_behind.writes, "merging", noted)
    return rows


@pytest.fixture
def moment(monkeypatch, settings):
    """The time that passes before the thread writes: until it is set."""
    passed = threading.Event()
    passed.slept = []

    def sleep(seconds):
        passed.slept.append(seconds)
        assert passed.wait(30)

    settings.OTP_WRITE_BEHIND = 250
    monkeypatch.setattr(write_behind, "time", SimpleNamespace(sleep=sleep))
    yield passed
    passed.set()
