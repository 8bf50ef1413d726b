"""Start the service that the tests attack, once for all tests that can share it."""

import pytest

from tests import valkey

from .running import POSTGRESQL, running

# Most tests must not reach the limits that they share: they use many phones, few of which sign in.
UNREACHED_LIMITS = {
    **dict.fromkeys(
        (
            *("OTP_UNCONVERTED_PER_PREFIX_DAY", "OTP_SENDS_PER_PREFIX_DAY", "OTP_UNCONVERTED_PER_SUBNET_DAY"),
            *("OTP_UNCONVERTED_PER_NETWORK_DAY", "OTP_UNCONVERTED_PER_REGION_DAY", "OTP_UNCONVERTED_OF_STRANGERS_DAY"),
        ),
        "10000000",
    ),
    "OTP_PROOFS": "0",
}

# SQLite has neither a pool of connections nor a server that could cut or lend them.
collect_ignore = [] if POSTGRESQL else ["test_pgbouncer.py", "test_pool.py"]


@pytest.fixture(scope="session")
def sql_service(tmp_path_factory):
    with running(tmp_path_factory.mktemp("service"), **UNREACHED_LIMITS) as started:
        yield started
        assert surprises(started) == []


@pytest.fixture(scope="session")
def redis_service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis-service")
    with valkey.running() as server, running(folder, redis=server, **UNREACHED_LIMITS) as started:
        yield started
        assert surprises(started) == []


@pytest.fixture
def service(sql_service):
    return sql_service


def surprises(service):
    """Return the lines of the service's output that report errors."""
    return [line for line in service.output.splitlines() if " ERROR " in line or "[ERROR]" in line]
