"""Run the project's programs as a person would, without the variables of that person's shell."""

import http.client
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180  # seconds; no test means to wait so long
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


def environment(**more):
    """Return a program's environment: of ours only what it cannot do without."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"PYTHONUTF8": "1"} | more


def run(*command, cwd, python=sys.executable, status=0, patience=PATIENCE, **more):
    """Run Python with these arguments to its end, and return what it printed."""
    done = subprocess.run(
        [python, *command],
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


class Program:
    """Hold a running program, and what it has printed so far."""

    def __init__(self, command, cwd, port, env):
        self.url = f"http://127.0.0.1:{port}"
        self.output = ""
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.output += line

    def wait_for(self, pattern):
        """The match of a pattern in the output, as soon as there is one."""
        return self._until(lambda: re.search(pattern, self.output))

    def wait_until_it_answers(self, port):
        def connected():
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return True

        self._until(connected)

    def _until(self, ready):
        end = time.monotonic() + PATIENCE
        while not (result := ready()):
            assert self._process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.02)
        return result

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._reader.join()
            self._process.stdout.close()


@contextmanager
def running(*command, cwd, port, python=sys.executable, **more):
    """Python with these arguments, from the moment it listens on the port."""
    program = Program([python, "-u", *command], cwd, port, environment(**more))
    try:
        program.wait_until_it_answers(port)
        yield program
    finally:
        program.stop()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def call(url, *, method="GET", headers=None, data=None):
    """One request; the answer, whatever its status."""
    _, _, host, path = url.split("/", 3)
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    try:
        connection.request(method, "/" + path, data, headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def checkout(folder):
    """Copy what a fresh clone would hold: everything here that .gitignore does not name."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored)))


def build_wheel(folder):
    """Build the wheel from such a copy, and return its path."""
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), ".", cwd=checkout(folder / "source"))
    (built,) = folder.glob("*.whl")
    return built


def rows(database, sql, *params):
    """Return the rows that an SQLite file answers."""
    with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
        return connection.execute(sql, params).fetchall()
