"""Servers under measurement: each a process with its children, that listens on a port of ours."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from . import meters

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds for a server to answer
_LINES = 40  # of what it said when it does not
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


def environment(outbox: Path, **values: str) -> dict[str, str]:
    """What a process gets: nothing of a developer's shell that could change what is measured."""
    inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    outbox.touch()
    return inherited | {"OUTBOX": str(outbox), "ENV_FILE": os.devnull, "PYTHONPATH": str(ROOT)} | values


class Server:
    def __init__(self, name: str, command: Sequence[str], values: dict[str, str], port: int) -> None:
        self.port = port
        self.outbox = Path(values["OUTBOX"])
        self.environment = values
        self._log = self.outbox.with_suffix(".log")
        self._name = name
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=values, stdout=log, stderr=log)
        self._wait()
        self.started_in = time.monotonic() - began

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5).close()
            except urllib.error.HTTPError:  # it answers, whatever
                return
            except OSError:
                time.sleep(0.02)
            else:
                return
        said = self._log.read_text(errors="replace").splitlines()[-_LINES:]
        raise RuntimeError("\n".join([f"{self._name} does not answer:", *said]))

    def cpu(self) -> float:
        return meters.cpu(self._process.pid)

    def memory(self) -> list[int]:
        return meters.memory(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()


def manage(values: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=values, check=True)
