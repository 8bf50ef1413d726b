"""Find the browser of the tests, or install one."""

import os
import shutil
import sys
from itertools import chain
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import debian

NAMES = ("chromium", "chromium-browser", "google-chrome")
_PLAYWRIGHT = [sys.executable, "-m", "playwright", "install", "chromium"]


def find():
    """Return the path of a Chromium: TEST_BROWSER, the system's or Playwright's own; "" if there is none."""
    candidates = chain([os.environ.get("TEST_BROWSER")], map(shutil.which, NAMES), _playwright_path())
    return next((path for path in candidates if path and Path(path).exists()), "")


def install():
    """Install Debian's package if we may, else Playwright's own. Return the path; "" if neither could be installed."""
    if debian.install("chromium") and (path := find()):
        return path
    return find() if debian.succeeds(_PLAYWRIGHT) else ""


def _playwright_path():
    """Yield the path of Playwright's own browser, which may not be installed."""
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path
