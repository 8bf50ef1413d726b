"""A Redis server that restarts, stops, hangs, is full or may evict."""

import logging
import os
import threading
import time

import pytest

from otp_app.errors import Unavailable
from otp_app.limits.values import RequestLimits
from otp_app.stores import wire
from otp_app.stores.redis import server as redis_server
from tests.asking import check
from tests.races import race

from .redis_calls import key_limit, open_one, refusal_of, used

pytestmark = pytest.mark.django_db


def test_a_restart_costs_no_request_and_what_must_last_lasts(store, own, settings, clock):
    opened = open_one(store)
    store.now()
    own.restart()
    assert refusal_of(lambda: open_one(store, phone=opened.phone)).limit == "wait_per_phone"
    open_one(store)


def test_connections_that_the_server_closed_cost_no_request_each(store, own):
    barrier = threading.Barrier(6)
    server = redis_server._pooled(own.url, 0.5)

    def together(_):
        barrier.wait()
        return server.now()

    race(together, 6)
    own.command("CLIENT", "KILL", "TYPE", "normal")
    while len(own.command("CLIENT", "LIST").splitlines()) > 1:  # but for who asks
        time.sleep(0.01)
    assert {type(store.now()) for _ in range(12)} == {int}
    own.restart()
    assert {type(result).__name__ for result in race(together, 6)} == {"int"}


def test_a_stopped_server_is_unavailable_and_used_again_when_it_is_back(store, own, caplog):
    opened = open_one(store)
    own.stop()
    for call in (lambda: open_one(store), lambda: check(store, opened), lambda: store.get(opened.id), store.now):
        caplog.clear()
        with pytest.raises(Unavailable):
            call()
        assert [record.getMessage() for record in caplog.records] == ["Redis: ConnectionError"]
    own.start()
    open_one(store)


def test_a_server_that_does_not_answer_is_unavailable_in_time_and_used_again(store, own, caplog):
    open_one(store)
    own.pause()
    for _ in range(2):  # with the connection it had, and with a new one
        began = time.monotonic()
        with pytest.raises(Unavailable):
            open_one(store)
        assert time.monotonic() - began > 0.4  # it was waited for, and not for ever
    assert "Redis: TimeoutError" in caplog.text
    own.resume()
    open_one(store)


def test_a_call_that_timed_out_is_not_made_again(store, own, round_trips):
    limit = key_limit(amount=100)
    store.take(RequestLimits((limit,)))
    own.pause()
    round_trips.clear()
    with pytest.raises(Unavailable):
        store.take(RequestLimits((limit,)))
    assert round_trips == ["EVALSHA"]
    own.resume()
    assert used(store, limit)[0] <= 2


def test_a_full_server_is_unavailable_and_takes_nothing(store, own, caplog):
    limit = key_limit()
    store.take(RequestLimits((limit,)))
    own.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(Unavailable):
            store.take(RequestLimits((limit,)))
        assert "Redis: OutOfMemoryError" in caplog.text
    finally:
        own.command("CONFIG", "SET", "maxmemory", 0)
    assert used(store, limit) == [1]


def test_a_server_that_may_evict_is_reported_once(store, own, caplog):
    redis_server._warn_of_evictions.cache_clear()
    own.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        for _ in range(2):
            own.command("CLIENT", "KILL", "TYPE", "normal")
            store.now()
    finally:
        own.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage()[:15] for record in warned] == ["Redis may evict"]


def test_a_failure_is_logged_without_what_was_asked(store, own, caplog, monkeypatch):
    opened = open_one(store)
    monkeypatch.setattr(wire, "_limit", lambda _: '"no limit"')
    with pytest.raises(Unavailable):
        open_one(store, phone=opened.phone)
    assert caplog.records[-1].getMessage() == "Redis: ResponseError"
    assert opened.phone not in caplog.text
    assert caplog.records[-1].exc_info is None


def test_a_forked_process_uses_connections_of_its_own(store, own):
    assert store.now()
    reader, writer = os.pipe()
    before = store.now()
    child = os.fork()
    if not child:
        os.write(writer, str(store.now()).encode())
        os._exit(0)
    assert before <= int(os.read(reader, 32)) <= store.now()
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert store.now()
