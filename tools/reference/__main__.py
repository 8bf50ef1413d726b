"""The reference: ``python -m tools.reference update`` writes its pages, ``check`` says which are out of date."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import django

# The defaults alone, whatever the developer has set.
for _name in [name for name in os.environ if name.startswith(("OTP_", "TWILIO_"))]:
    del os.environ[_name]
os.environ |= {"ENV_FILE": os.devnull, "DEBUG": "1", "SECRET_KEY": "of no use: it signs nothing"}
os.environ["DJANGO_SETTINGS_MODULE"] = "otp_project.settings"
django.setup()

from tools.reference import checks, commands, errors, llms, openapi, settings  # noqa: E402  (they need the settings)
from tools.reference.tables import ROOT  # noqa: E402  (the same)

PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings.page,
    "docs/checks.md": checks.page,
    "docs/errors.md": errors.page,
    "docs/commands.md": commands.page,
    "docs/openapi.yaml": openapi.page,
    "llms.txt": llms.page,
}


def update(root: Path = ROOT) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (root / name).write_text(page(), encoding="utf-8")


def check(root: Path = ROOT) -> list[str]:
    """Return one sentence for each page that is not what the code says."""
    stale = [name for name, page in PAGES.items() if not _is(root / name, page())]
    return [f"{name} is out of date: run python -m tools.reference update." for name in stale]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    if sys.argv[1:] not in (["update"], ["check"]):
        sys.exit("usage: python -m tools.reference update|check")
    if sys.argv[1] == "update":
        update()
    sys.exit("\n".join(check()) or None)  # with sentences to say 1, else 0
