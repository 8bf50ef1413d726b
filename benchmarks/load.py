"""Plays requests from another process: wrk, which is compiled and leaves the cores to what is measured."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .requests import Request

_SCRIPT = Path(__file__).with_name("wrk.lua")
_LONGEST = 600  # seconds that a phase may take


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one phase. Times in seconds and milliseconds."""

    answered: int
    refused: int
    lost: int
    seconds: float
    p50: float
    p99: float
    sample: str  # the last answer that was not as expected


def require() -> None:
    """wrk, installed where that can be done."""
    if not shutil.which("wrk") and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "-qq", "wrk"], check=False, stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        sys.exit("The benchmark plays its load with wrk: install it (apt install wrk, brew install wrk).")


def play(port: int, requests: Sequence[Request], connections: int, expected: int) -> Outcome:
    """Send each request once, over so many connections that are kept open. RuntimeError when one is not answered so."""
    with tempfile.NamedTemporaryFile("wb", suffix=".requests") as file:
        for request in requests:
            raw = _raw(request, port)
            file.write(b"%d\n%s" % (len(raw), raw))
        file.flush()
        outcome = _play(f"http://127.0.0.1:{port}/", file.name, connections, expected)
    if outcome.refused or outcome.lost or outcome.answered < len(requests):
        raise RuntimeError(f"{outcome} for requests like {requests[0]}")
    return outcome


def _play(address: str, file: str, connections: int, expected: int) -> Outcome:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{_LONGEST}s", "--timeout", "30s", "-s", str(_SCRIPT), address]
    with subprocess.Popen([*command, "--", file, str(expected)], stdout=subprocess.PIPE, text=True) as wrk:
        assert wrk.stdout
        for line in wrk.stdout:
            if line == "played\n":
                break
        wrk.send_signal(signal.SIGINT)  # it prints what it has counted
        return Outcome(**json.loads(wrk.stdout.read().strip().splitlines()[-1]))


def _raw(request: Request, port: int) -> bytes:
    body = request.body.encode()
    headers = {"Host": f"127.0.0.1:{port}"} | request.headers
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
