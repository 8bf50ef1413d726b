"""Alive, and ready."""

import pytest

from otp_app import health

pytestmark = pytest.mark.django_db


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
