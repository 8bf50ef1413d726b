"""The service the tests attack: started once for all that can share it."""

import pytest

from .running import POSTGRESQL, running

# SQLite has neither a pool of connections nor a server that could cut them.
collect_ignore = [] if POSTGRESQL else ["test_pool.py"]


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    with running(tmp_path_factory.mktemp("service")) as started:
        yield started
        # Whatever the tests did to it, nothing of it was a surprise.
        lines = [line for line in started.output.splitlines() if " ERROR " in line or "[ERROR]" in line]
        assert lines == []
