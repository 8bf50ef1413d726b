"""PostgreSQL only (see conftest): no connection to be had, and connections that break."""

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from itertools import islice

import pytest

from .conftest import UNREACHED_LIMITS
from .running import running
from .talking import TIMEOUT, code_of, get, phone, send, sending, together, verify, verifying, wrong

PROCESSES = 2  # and each has a connection


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A service whose processes have one connection to the database each."""
    with running(tmp_path_factory.mktemp("narrow"), DATABASE_POOL="1", **UNREACHED_LIMITS) as service:
        yield service
        assert "Internal Server Error" not in service.output


def test_without_a_free_connection_the_service_says_so_and_recovers(narrow):
    number = phone()
    challenge_id = send(narrow, number).json["challenge_id"]
    code = code_of(narrow, challenge_id)
    with closing(narrow.database.connect()) as connection:
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE otp_app_challenge IN ACCESS EXCLUSIVE MODE")
        calls = [verifying(narrow, number, wrong(code, n), challenge_id) for n in range(12)]
        calls += [sending(narrow, phone()) for _ in range(12)]
        with ThreadPoolExecutor(len(calls)) as pool:
            answers = as_completed([pool.submit(call) for call in calls])
            # While the lock is held only those are not answered that have a connection and wait for it.
            refused = [each.result() for each in islice(answers, len(calls) - PROCESSES)]
            connection.execute("ROLLBACK")
            later = [each.result() for each in answers]
    assert {(answer.status, answer.code) for answer in refused} == {(503, "unavailable")}
    assert {answer.status for answer in later} <= {200, 400, 503}
    assert send(narrow, phone()).status == 200
    assert verify(narrow, number, code, challenge_id).status == 200


def test_connections_that_the_database_cuts_are_made_anew(narrow):
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert send(narrow, phone()).status == 200
    for _ in range(3):
        assert narrow.database.rows(f"SELECT pg_terminate_backend(pid, 60000) {others}")  # and waits for it
        until = time.monotonic() + TIMEOUT
        while narrow.database.value(f"SELECT COUNT(*) {others}") < PROCESSES:  # who is not asked does not notice
            assert time.monotonic() < until, "they do not come back"
            answers = together([sending(narrow, phone()) for _ in range(10)])
            assert {answer.status for answer in answers} <= {200, 503}
            assert {answer.code for answer in answers if answer.status == 503} <= {"unavailable"}
    assert [send(narrow, phone()).status for _ in range(10)] == [200] * 10
    assert get(narrow, "/readyz").json["status"] == "ok"
