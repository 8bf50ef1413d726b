"""Run the real service in processes of its own, and read its database from outside."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from otp_app.testing.clock import Clock
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET_KEY = "the key of the service under test: " + uuid4().hex + uuid4().hex
POSTGRESQL = not os.environ["DATABASE_URL"].startswith("sqlite")
# What a developer's shell holds must not change what is tested.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "ATOMIC_REQUESTS", "LD_LIBRARY_PATH")


class Database:
    """Hold a fresh database on the server that DATABASE_URL names, or a fresh SQLite file."""

    def __init__(self, folder):
        self._path = folder / "service.sqlite3"
        self._reader = None
        self._name = f"otp_service_{uuid4().hex[:12]}"
        self._server = os.environ["DATABASE_URL"]
        if POSTGRESQL:
            self._of_the_server(f"CREATE DATABASE {self._name}")
            self.url = urlsplit(self._server)._replace(path=f"/{self._name}").geturl()
        else:
            self.url = f"sqlite:///{self._path}"

    def _of_the_server(self, statement):
        with closing(psycopg.connect(self._server, autocommit=True)) as connection:
            connection.execute(statement)

    def connect(self):
        """Return a connection that the test closes. Reading from it locks nothing."""
        if POSTGRESQL:
            return psycopg.connect(self.url, autocommit=True)
        return sqlite3.connect(self._path, timeout=20, isolation_level=None)

    def rows(self, sql, *params):
        """Return the rows of a query whose parameters are written as ``?``; only for the test's own thread."""
        self._reader = self._reader or self.connect()
        return self._reader.execute(sql.replace("?", "%s") if POSTGRESQL else sql, params).fetchall()

    def value(self, sql, *params):
        return self.rows(sql, *params)[0][0]

    def tables(self):
        if POSTGRESQL:
            return [row[0] for row in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return [row[0] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def drop(self):
        if self._reader:
            self._reader.close()
        if POSTGRESQL:
            self._of_the_server(f"DROP DATABASE {self._name} WITH (FORCE)")


class Service:
    """Run ``python -m otp_project``, or another server, with this environment on top of the tests' own.

    In its values ``{port}`` stands for the port of the service.
    """

    def __init__(self, folder, database, redis=None, program=("-m", "otp_project"), **environment):
        self._program = program
        self.database = database
        self.redis = redis
        self.outbox_file, self.outbox, self.outbox_read = folder / "outbox", [], 0
        self.clock = Clock(folder / "clock")
        self.output_file = folder / "output"
        self.port = free_port()
        self.environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
            "ENV_FILE": os.devnull,
            "DEBUG": "1",
            "SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": database.url if database else f"sqlite:///{folder}/unused.sqlite3",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "LOG_LEVEL": "DEBUG",
            "STATIC_ROOT": str(folder),  # nothing is collected into the checkout
            "OTP_OUTBOX_FILE": str(self.outbox_file),
            "OTP_CLOCK_OFFSET_FILE": str(self.clock.path),
            "OTP_TRUSTED_PROXIES": "1",  # so that a test plays many clients by X-Forwarded-For
            **({"REDIS_URL": redis.url} if redis else {}),
            **{name: value.replace("{port}", str(self.port)) for name, value in environment.items()},
        }
        self.process = None

    @property
    def output(self):
        return self.output_file.read_text()

    def challenge(self, challenge_id):
        """Return what the store holds about a challenge."""
        names = ("checks_left", "checked_at", "sent_at", "status")
        if self.redis:
            held = json.loads(self.redis.command("GET", f"otp:c:{challenge_id}"))
            return {name: held[name] for name in names}
        ours = "REPLACE(CAST(id AS text), '-', '')"
        sql = f"SELECT {', '.join(names)} FROM otp_app_challenge WHERE {ours} = ?"
        held = dict(zip(names, self.database.rows(sql, challenge_id)[0], strict=True))
        sent_at = held["sent_at"]
        return held | {"sent_at": json.loads(sent_at) if isinstance(sent_at, str) else sent_at}

    def launch(self):
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *(part.format(port=self.port) for part in self._program)],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, so that what hangs can be killed as a whole
            )

    def start(self):
        from .talking import get

        self.launch()
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, f"the service ended at its start:\n{self.output}"
            try:
                if get(self, "/healthz").status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the service does not answer:\n{self.output}")

    def end(self, number=signal.SIGINT, within=120):
        """End the service by a signal, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(within)

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def workers(self):
        """Return the process ids of the web workers."""
        listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        lines = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
        mine = [line for line in lines if line[1] == str(self.process.pid)]
        return [int(pid) for pid, _, args in mine if "resource_tracker" not in args]

    def manage(self, *arguments):
        """Run ``manage.py`` on the service's database, and return its output."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def running(folder, redis=None, **environment):
    """Run a service on a database of its own, from its first answer to its clean end; with ``redis``, on that store."""
    database = Database(folder)
    service = Service(folder, database, redis, **environment)
    try:
        if service.environment["DEBUG"] == "0":
            service.manage("migrate", "--verbosity", "0")  # in development the service does it at its start
        yield service.start()
        assert service.end() == 0, service.output[-4000:]
    finally:
        service.kill()
        database.drop()
