"""Fixtures of the whole suite."""

import pytest

from otp_app import stores
from otp_app.providers import memory
from otp_app.testing import otp_outbox  # noqa: F401
from tests.clock import Clock
from tests.valkey import any_running


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
