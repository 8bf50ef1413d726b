"""What the two peers on Django have in common: pip, migrations, and Granian with a process for each of two cores."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.folders import is_installed, lay, mark_installed

PINS = "requirements.txt"


def install(project: str, folder: Path) -> None:
    lay(project, folder)
    if is_installed(folder, PINS):
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder / ".venv")], check=True)
    pip = [python(folder), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--requirement", str(folder / PINS)], check=True)
    mark_installed(folder, PINS)


def python(folder: Path) -> str:
    return str(folder / ".venv/bin/python")


def prepare(folder: Path, environment: dict[str, str]) -> None:
    migrate = [python(folder), "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=folder, env=os.environ | environment, check=True)


def command(folder: Path, port: int) -> list[str]:
    program = [str(folder / ".venv/bin/granian"), "--working-dir", str(folder), "--interface", "wsgi"]
    processes = ["--workers", "2", "--blocking-threads", "16"]
    return [*program, *processes, "--port", str(port), "--log-level", "warning", "peer.wsgi:application"]
