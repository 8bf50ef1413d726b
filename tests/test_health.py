"""The probes /healthz and /readyz."""

import threading

import pytest

from otp_app import health
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """Each test begins with an empty cache."""
    monkeypatch.setattr(health, "_cached", health._CachedProbes())


@pytest.fixture
def asked(monkeypatch):
    """How often the store was asked."""
    times = []
    monkeypatch.setitem(health._PROBES, "store", lambda: times.append(1) or True)
    return times


@pytest.fixture
def now(monkeypatch):
    """The time, which a test moves on."""
    at = [1000.0]
    monkeypatch.setattr(health.time, "monotonic", lambda: at[0])
    return at


def test_alive_needs_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_names_every_part(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "store": "ok", "migrations": "ok"}
    assert "no-cache" in response["Cache-Control"]


@pytest.mark.parametrize("part", ["database", "store", "migrations"])
def test_a_part_that_fails_is_named_and_why_stands_in_the_log_only(client, monkeypatch, caplog, part):
    def fail():
        raise OSError("the secret reason")

    monkeypatch.setitem(health._PROBES, part, fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()[part] == response.json()["status"] == "failed"
    assert b"secret reason" not in response.content
    assert "secret reason" in caplog.text


def test_a_migration_that_was_not_run_is_not_ready(client, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one"])
    assert client.get("/readyz").json()["migrations"] == "failed"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_they_are_only_read(client, path):
    assert client.post(path).status_code == 405


def test_however_often_it_is_asked_the_parts_are_asked_once_a_second(client, asked, now):
    for _ in range(20):
        assert client.get("/readyz").status_code == 200
    assert len(asked) == 1
    now[0] += health.CACHE_SECONDS
    assert client.get("/readyz").status_code == 200
    assert len(asked) == 2


def test_a_part_that_went_down_and_one_that_came_back_is_told_a_second_later(client, monkeypatch, now):
    up = [True]
    monkeypatch.setitem(health._PROBES, "store", lambda: up[0])
    for state, status in ((True, 200), (False, 503), (True, 200)):
        up[0] = state
        now[0] += health.CACHE_SECONDS
        assert client.get("/readyz").status_code == status


def test_of_many_who_ask_at_once_one_asks_the_parts(asked, now):
    answers = race(lambda _: health._cached.parts()["store"], 8)
    assert (answers, len(asked)) == ([True] * 8, 1)


def test_who_waits_for_parts_that_hang_is_told_that_they_are_not_ready(client, monkeypatch):
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.05)
    hanging, let_go = threading.Event(), threading.Event()
    monkeypatch.setattr(health, "_PROBES", {"store": lambda: hanging.set() or let_go.wait(60)})
    monkeypatch.setattr(health.sweeper, "warn_of_silence", lambda: None)  # by a connection that nobody would close
    asking = threading.Thread(target=health._cached.parts)
    asking.start()
    hanging.wait(60)
    answer = client.get("/readyz")
    let_go.set()
    asking.join()
    assert (answer.status_code, answer.json()) == (503, {"status": "failed", "store": "failed"})
    assert client.get("/readyz").status_code == 200


def test_who_asks_whether_all_is_ready_has_the_log_say_that_no_sweep_runs_but_not_more_than_once_a_second(
    client, monkeypatch, now
):
    asked = []
    monkeypatch.setattr(health.sweeper, "warn_of_silence", lambda: asked.append(1))
    for _ in range(3):
        client.get("/readyz")
    assert asked == [1]
    now[0] += health.CACHE_SECONDS
    monkeypatch.setitem(health._PROBES, "database", lambda: False)
    assert client.get("/readyz").status_code == 503
    assert asked == [1]
