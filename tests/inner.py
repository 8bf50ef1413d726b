"""The contract, the races and the tests of the SQL store, as a run of pytest by itself, in a database of its own."""

import os
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

ROOT = Path(__file__).resolve().parent.parent
TESTS = ("tests/contracts/test_store.py", "tests/test_races.py", "tests/stores/test_sql.py", "-k", "not RedisStore")
SPECIAL = "tests/stores/test_postgresql.py"  # to be added to these, but not behind a pooler: it changes its session
PATIENCE = 600  # seconds


@contextmanager
def database(server):
    """A name for a database that runs make on this server, and that is gone afterwards."""
    name = f"otp_inner_{uuid4().hex[:12]}"
    try:
        yield name
    finally:
        with closing(psycopg.connect(server, autocommit=True)) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS test_{name} WITH (FORCE)")


def play(server, name, *options, patience=PATIENCE, **environment):
    """Run them there; what is made for it stays, for another run, or because a pooler does not let go of it."""
    environment["DATABASE_URL"] = urlsplit(server)._replace(path=f"/{name}").geturl()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--reuse-db", *options, *TESTS],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )
