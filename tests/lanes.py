"""Runs of pytest side by side, each shown as if it were alone.

Much of the suite waits: for services to start, for browsers, for time to pass. Meanwhile another run works.
"""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds in which a run that is stopped ends what it has started
NOTHING_CHOSEN = 5  # pytest's exit code when options leave no test


class Run:
    """One pytest with these options and this environment, and what it has printed so far."""

    def __init__(self, name: str, *options: str, **environment: str) -> None:
        self.lines = [f"\n== {name}\n"]
        self.ended = False
        # A cache of its own: what has failed in one run has not in the others.
        self._command = [sys.executable, "-m", "pytest", "-o", f"cache_dir=.pytest_cache/{name}", *options]
        # What is compiled is kept, whatever the shell says: the suite starts hundreds of processes.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = kept | environment
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self, told: "queue.SimpleQueue[tuple[Run, str]]") -> None:
        """Puts each line that it prints into the queue, and "" at its end."""
        self._process = process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us, who interrupt each run once
        )

        def read() -> None:
            with process:
                for line in process.stdout or ():
                    told.put((self, line))
            told.put((self, ""))

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()

    @property
    def status(self) -> int | None:
        """Its exit code; None as long as it runs, and before."""
        return self._process.poll() if self._process else None

    def fine(self, chosen: bool) -> bool:
        """Whether it has ended well, which it has without a test only where options chose them."""
        return self.status == 0 or (chosen and self.status == NOTHING_CHOSEN)

    @property
    def passed(self) -> int:
        """What its summary says, after which there may be a word on the standard error."""
        found = re.findall(r"(\d+) passed.* in [\d.]+s", "".join(self.lines[-20:]))
        return int(found[-1]) if found else 0

    def interrupt(self) -> None:
        """As Ctrl-C does: then its fixtures end the services, browsers and servers that they have started."""
        if self._process and self.status is None:
            self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float) -> None:
        """Until it has ended, which after so long it is made to."""
        if self._process and self._reader:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._reader.join(PATIENCE)


class _Screen:
    """Shows one run after the other: what a later one prints is kept until it is its turn."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._left, self._shown = list(runs), 0

    def catch_up(self) -> None:
        """Shows what is new of the run whose turn it is; when that has ended, it is the next one's."""
        while self._left:
            run = self._left[0]
            print(*run.lines[self._shown :], sep="", end="", flush=True)
            self._shown = len(run.lines)
            if not run.ended:
                return
            del self._left[0]
            self._shown = 0

    def failed(self, run: Run) -> None:
        """Shows a run that has ended all, if not all of it is to be seen."""
        if run is not self._left[0]:
            print("\n\n== stopped here, because of this:", *run.lines, sep="", end="", flush=True)


def play(*lanes: list[Run], chosen: bool) -> int:
    """Plays the lanes side by side and the runs of a lane one after another; how many tests have passed.

    The first run that fails ends them all. ``chosen``: options choose the tests, which may leave none to a run.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where it is ignored, the runs would ignore it too
    runs = [run for lane in lanes for run in lane]
    screen, told = _Screen(runs), queue.SimpleQueue[tuple[Run, str]]()
    following = dict(pair for lane in lanes for pair in pairwise(lane))
    try:
        for lane in lanes:
            lane[0].start(told)
        while not all(run.ended for run in runs):
            run, line = told.get()
            run.lines += [line] * bool(line)
            run.ended = not line
            if run.ended and not run.fine(chosen):
                screen.failed(run)
                sys.exit(run.status)
            if run.ended and run in following:
                following[run].start(told)
            screen.catch_up()
    finally:
        _stop(runs)
    return sum(run.passed for run in runs)


def _stop(runs: list[Run]) -> None:
    for run in runs:
        run.interrupt()
    until = time.monotonic() + PATIENCE
    for run in runs:
        run.wait(max(0.0, until - time.monotonic()))
