"""Taking turns at an SQLite file."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Waiting
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files import locks
from django.db import connection, connections, transaction

from otp_app import stores, tokens
from otp_app.db.turns import turn
from otp_app.limits.values import RequestLimits

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL wakes who waits by itself"),
]


class NamedConnections:
    """The connections of each thread, with a database of that name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, alias: str):
        real = connections[alias]
        return SimpleNamespace(
            vendor=real.vendor,
            in_atomic_block=real.in_atomic_block,
            is_in_memory_db=real.is_in_memory_db,
            settings_dict={"NAME": self.name},
        )


def take() -> bool:
    try:
        with turn("default"):
            return True
    finally:
        connection.close()


@pytest.mark.parametrize("database", ["a file", "in memory", "file:/elsewhere?cache=shared", "not ours"])
def test_two_threads_take_turns(database, tmp_path, monkeypatch):
    monkeypatch.setattr(type(connections["default"]), "is_in_memory_db", lambda _: database == "in memory")
    if database == "not ours":
        (tmp_path / "db-turn").mkdir()  # whoever runs the tests, it cannot be written
        database = str(tmp_path / "db")
    if "/" in database:
        monkeypatch.setattr("otp_app.db.turns.connections", NamedConnections(database))
    with ThreadPoolExecutor(1) as pool:
        with turn("default"):
            other = pool.submit(take)
            with pytest.raises(Waiting):
                other.result(timeout=0.2)
        assert other.result(timeout=10)


def test_who_has_begun_a_transaction_waits_for_nobody():
    with turn("default"), transaction.atomic(), turn("default"):
        assert connection.in_atomic_block


@pytest.mark.parametrize("what", ["a call of the store", "a token"])
def test_whatever_a_sign_in_writes_waits_for_another_process_that_has_the_turn(what, django_user_model):
    user = django_user_model.objects.create(phone="+998901234567")

    def write():
        try:
            return tokens.current().issue(user, None) if what == "a token" else stores.current().take(RequestLimits())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with Path(f"{connection.settings_dict['NAME']}-turn").open("ab") as file:
            locks.lock(file, locks.LOCK_EX)
            written = pool.submit(write)
            with pytest.raises(Waiting):
                written.result(timeout=0.2)
        assert written.result(timeout=10) is not None
