"""better-auth on Node, with its plugin for phone numbers. It signs up whoever is new."""

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.peers.calls import post
from benchmarks.peers.folders import is_installed, lay, mark_installed
from benchmarks.requests import Request

NAME = "better-auth"
SENT = 200
VERIFIED = 200

PINS = "package-lock.json"
IN_PRODUCTION = {"NODE_ENV": "production"}  # without it better-auth has no rate limits


def install(folder: Path) -> None:
    lay("better_auth", folder)
    if is_installed(folder, PINS):
        return
    npm = [shutil.which("npm") or "npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(npm, cwd=folder, check=True)
    mark_installed(folder, PINS)


def prepare(folder: Path, environment: dict[str, str]) -> None:
    everything = os.environ | environment | IN_PRODUCTION
    subprocess.run(["node", "migrate.js"], cwd=folder, env=everything, check=True)


def command(folder: Path, port: int) -> list[str]:
    """PORT says the port."""
    variables = [f"{name}={value}" for name, value in IN_PRODUCTION.items()]
    return ["env", *variables, f"PORT={port}", "node", str(folder / "server.js")]


def users(database_url: str, phones: list[str]) -> None:
    """None has to exist beforehand."""


def send(phone: str) -> Request:
    return post("/api/auth/phone-number/send-otp", phone, {"phoneNumber": phone})


def verify(line: str) -> Request:
    phone, code = line.split()
    return post("/api/auth/phone-number/verify", phone, {"phoneNumber": phone, "code": code})
