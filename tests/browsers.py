"""Where the browser of the tests is, and how one gets on a machine without."""

import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE = 600  # seconds for an installation
_DEBIAN = (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"])
_PLAYWRIGHT = ([sys.executable, "-m", "playwright", "install", "chromium"],)


def find():
    """The path of a Chromium: what TEST_BROWSER names, the system's, or Playwright's own; "" if there is none."""
    candidates = chain([os.environ.get("TEST_BROWSER")], map(shutil.which, NAMES), _of_playwright())
    return next((path for path in candidates if path and Path(path).exists()), "")


def install():
    """Debian's package where we may install it, else Playwright's own; the path, "" where neither could be had."""
    debian = os.geteuid() == 0 and shutil.which("apt-get")
    for commands in ([_DEBIAN] if debian else []) + [_PLAYWRIGHT]:
        if all(_run(command) for command in commands) and (path := find()):
            return path
    return ""


def _run(command):
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _of_playwright():
    """Where its own browser is, or would be."""
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path
