"""Fixtures of the whole suite."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import flush
from django.core.signals import request_started
from django.db import connection
from django.utils.translation import override
from hypothesis import HealthCheck, settings

from otp_app import notices, stores
from otp_app.db.clock import milliseconds
from otp_app.providers import memory
from otp_app.rulings import kept
from otp_app.testing import otp_clock, otp_lines, otp_outbox, otp_unlimited  # noqa: F401
from otp_app.testing.clock import Clock
from otp_app.tokens import signing_keys
from tests.things import Thing
from tests.valkey import any_running

# Its limits in real time are kept by a machine that does nothing else; beside other runs none of them means a thing.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


# Whoever asks for one of these makes requests; what makes them otherwise is marked by hand.
CLIENTS = {"client", "admin_client", "visitor"}


def pytest_collection_modifyitems(items):
    for item in items:
        if CLIENTS.intersection(item.fixturenames):
            item.add_marker("requests")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A test that makes a request is marked: else it would not be played under ATOMIC_REQUESTS."""
    requests = []

    def note(**_):
        requests.append(item.nodeid)

    request_started.connect(note)
    try:
        yield
    finally:
        request_started.disconnect(note)
    assert not requests or item.get_closest_marker("requests"), "mark it: pytestmark = pytest.mark.requests"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After a test with transactions of its own Django empties all tables and works out anew which permissions there
    are, which takes longer than most tests do: the same rows are put back instead. PostgreSQL empties a small table
    sooner by DELETE than by TRUNCATE, which makes new files for it and for its indexes."""
    with django_db_blocker.unblock():
        tables = connection.introspection.table_names()  # none when no test asks for a database: the lab's own do not
        made = [(each, list(each.objects.all())) for each in (ContentType, Permission) if each._meta.db_table in tables]
        if not made:
            connection.close()

    def empty(_style, tables, **_):
        return [";".join(f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables)]

    def put_back(*_, **__):
        for model, rows in made:
            model.objects.bulk_create(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "emit_post_migrate_signal", put_back)
        if connection.vendor == "postgresql":
            patch.setattr(connection.ops, "sql_flush", empty)
        yield


@pytest.fixture(autouse=True)
def _english():
    """Reset the language of the thread, because a request to a page leaves its own active."""
    with override("en"):
        yield


@pytest.fixture
def outbox():
    """The messages a test sends, as the memory provider kept them."""
    memory.outbox.clear()
    yield memory.outbox
    memory.outbox.clear()


@pytest.fixture
def clock(tmp_path, settings):
    path = tmp_path / "clock"
    settings.OTP_CLOCK_OFFSET_FILE = str(path)
    return Clock(path)


@pytest.fixture(autouse=True)
def no_rulings(monkeypatch):
    """What operators ruled in another test is forgotten, and it has just been read that there is nothing."""
    monkeypatch.setattr(kept._Kept, "rows", {})
    monkeypatch.setattr(kept._Kept, "read_at", milliseconds())


@pytest.fixture(autouse=True)
def no_signing_keys(monkeypatch):
    """The keys of another test are forgotten."""
    monkeypatch.setattr(signing_keys._Kept, "rows", ())
    monkeypatch.setattr(signing_keys._Kept, "read_at", None)


@pytest.fixture(autouse=True)
def nothing_was_told(monkeypatch):
    """The operator was told nothing in this minute."""
    monkeypatch.setattr(notices, "_told", {})


@pytest.fixture(scope="session")
def redis_server():
    with any_running() as server:
        yield server


@pytest.fixture(params=["sql.SqlStore", "redis.RedisStore"])
def each_store(request, settings):
    """The store in force, one after the other."""
    settings.OTP_STORE = f"otp_app.stores.{request.param}"
    if "redis" in request.param:
        server = request.getfixturevalue("redis_server")
        server.flush()
        settings.OTP_REDIS_URL = server.url
    return stores.current()


@pytest.fixture
def things(transactional_db):
    """Their table."""
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Thing)
