"""Make llms.txt (https://llmstxt.org): what the project is, the two requests, and a list of all pages."""

import re
from pathlib import Path

from .tables import ROOT

HEAD = """# otp_app

> Sign-in by phone number for Django: a person gives a number, gets a one-time code by SMS, sends it back and holds a
> token. `otp_app` is a reusable Django app, `otp_project` the ready service around it.

The API in brief; docs/openapi.yaml is the whole of it, docs/errors.md has every error by its `code`:

- `POST /api/send-otp/` with `{"phone": "+998901234567"}` answers 200
  `{"message", "challenge_id", "expires_in", "resend_in"}`. Keep `challenge_id`. The same with it, after `resend_in`
  seconds, sends the same code again.
- `POST /api/verify-otp/` with `{"phone": "+998901234567", "otp": "123456", "challenge_id": "…"}` answers 200
  `{"message", "token", "expires_in", "user": {"id", "phone", "is_new"}, "device"}`. The first verified code of a number
  creates its user. The token goes into `Authorization: Bearer …`; keep `device` and send it with both requests later.

Errors are `application/problem+json`; decide by `code`, and wait `retry_after` seconds after 429 and 503.

In a Django project: `INSTALLED_APPS += ["rest_framework", "otp_app"]`, `path("api/", include("otp_app.urls"))`, and
`migrate`; docs/embedding.md has the rest. `manage.py check` names what is wrong and how to cure it, and
`manage.py otp_doctor` what is wrong with providers, database and queue. Tests read codes with `otp_app.testing`.
"""
FIRST = (
    "README.md",
    "docs/embedding.md",
    "docs/settings.md",
    "docs/checks.md",
    "docs/errors.md",
    "docs/commands.md",
    "docs/openapi.yaml",
)
LEFT_OUT = ("README.uz.md",)


def page() -> str:
    """Return the text."""
    pages = [str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/**/*.md") for path in sorted(ROOT.glob(pattern))]
    others = [path for path in pages if path not in (*FIRST, *LEFT_OUT)]
    return HEAD + _section("Reference", FIRST) + _section("More", others)


def _section(title: str, paths: list[str] | tuple[str, ...]) -> str:
    return f"\n## {title}\n\n" + "".join(f"- [{_title(ROOT / path)}]({path})\n" for path in paths)


def _title(path: Path) -> str:
    """Return the heading of a page, or its name if it has none."""
    found = re.search(r"(?m)^# (.+)$", path.read_text(encoding="utf-8"))
    return found[1] if found else path.name
