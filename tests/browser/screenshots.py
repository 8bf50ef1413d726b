"""``make screenshots``: every state of the pages, on phone and desktop, light and dark, in three languages.

Sheets of them go into docs/screenshots; ``python -m tests.browser.screenshots FOLDER`` also keeps each picture.
"""

import base64
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("DATABASE_URL", "sqlite://")  # of the service: a file of its own, in a temporary folder

from playwright.sync_api import sync_playwright

from tests import browsers
from tests.browser.conftest import FLAGS, THREE_WAYS
from tests.browser.person import Person
from tests.browser.states import register, tour
from tests.service.conftest import UNREACHED_LIMITS
from tests.service.running import ROOT, running

SHEETS = ROOT / "docs" / "screenshots"
SCREENS = {"phone": {"width": 390, "height": 780}, "desktop": {"width": 1100, "height": 780}}
LANGUAGES = ("uz", "ru", "en")
THEMES = ("light", "dark")
FRONT = [("phone", "light", "uz", "phone"), ("phone", "dark", "ru", "code"), ("phone", "light", "en", "code-ending")]
FRONT += [("desktop", "light", "uz", "code")]
STYLE = """
body { margin: 0; padding: 24px; background: #9aa3b2; display: flex; flex-wrap: wrap; gap: 24px; width: max-content; }
body { max-width: %dpx } img { height: %dpx; border-radius: 10px; display: block; }
"""


def main():
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=browsers.find() or browsers.install(), args=FLAGS)
        with running(Path(folder), OTP_BRAND="Bozor", **THREE_WAYS, **UNREACHED_LIMITS) as service:
            pictures = taken(browser, service)
        for name, shown, height in sheets(pictures):
            sheet(browser, SHEETS / f"{name}.png", shown, height)
        browser.close()
    for (*place, state), picture in pictures.items() if kept else ():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / f"{'-'.join([*place, state])}.png").write_bytes(picture)


def taken(browser, service):
    """Take a picture of each state, by (screen, theme, language, state)."""
    client = register(service)
    pictures = {}
    for screen, size in SCREENS.items():
        for theme in THEMES:
            for language in LANGUAGES:
                habits = {"viewport": size, "color_scheme": theme, "locale": language}
                person = Person(service, browser, **habits)
                for state in tour(person, service, client):
                    person.page.wait_for_load_state("networkidle")
                    pictures[screen, theme, language, state] = person.page.screenshot(animations="disabled")
                person.leave()
    return pictures


def sheets(pictures):
    """Return the name of each sheet, its pictures and their height."""
    yield "overview", [pictures[place] for place in FRONT], 480
    for language in LANGUAGES:
        yield f"phone-{language}", _of(pictures, "phone", language), 420
    yield "desktop", _of(pictures, "desktop", "en"), 300


def _of(pictures, screen, language):
    themes = [
        [found for place, found in pictures.items() if place[:3] == (screen, theme, language)] for theme in THEMES
    ]
    return [picture for pair in zip(*themes, strict=True) for picture in pair]


def sheet(browser, path, pictures, height):
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(each).decode()}">' for each in pictures)
    page = browser.new_page(viewport={"width": 1900, "height": 800})
    page.set_content(f"<!doctype html><style>{STYLE % (1850, height)}</style>{images}")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.locator("body").screenshot(path=path)
    page.close()


if __name__ == "__main__":
    main()
