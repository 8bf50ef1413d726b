"""Where the browser of the tests is, and how one gets on a machine without."""

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
    """The path of a Chromium: what TEST_BROWSER names, the system's, or Playwright's own; "" if there is none."""
    candidates = chain([os.environ.get("TEST_BROWSER")], map(shutil.which, NAMES), _of_playwright())
    return next((path for path in candidates if path and Path(path).exists()), "")


def install():
    """Debian's package where we may install it, else Playwright's own; the path, "" where neither could be had."""
    if debian.install("chromium") and (path := find()):
        return path
    return find() if debian.succeeds(_PLAYWRIGHT) else ""


def _of_playwright():
    """Where its own browser is, or would be."""
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path
