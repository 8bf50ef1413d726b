"""``make check``: everything that can be known without running the product."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent

# What an operator would set; the values are made up and reach nobody.
PRODUCTION = {
    "ENV_FILE": os.devnull,
    "DEBUG": "0",
    "SECRET_KEY": "jTq3vWZs8mYp5nXc7rBf2hLk9dGa4eUo6iNt1yQwRxSzVbMjPl",
    "ALLOWED_HOSTS": "login.example.com",
    "OTP_TRUSTED_PROXIES": "1",
    "OTP_PROVIDERS": (
        '[{"ALIAS": "twilio", "BACKEND": "otp_app.providers.twilio.TwilioProvider", "PRICE": "0.05", "OPTIONS": '
        '{"account_sid": "AC00000000000000000000000000000000", "auth_token": "made up", "sender": "+15005550006"}}]'
    ),
    "OTP_BUDGET_PER_DAY": "200",
    "OTP_ALLOWED_REGIONS": "UZ,KZ",
}

STEPS: dict[str, list[str | Path]] = {
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "lint": [BIN / "ruff", "check", "--quiet", "."],
    "types": [BIN / "mypy"],
    "import rules": [BIN / "lint-imports", "--no-logo"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "schema": [PYTHON, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
    "providers": [PYTHON, "tools/providers.py", "check"],
    "Dockerfile": [BIN / "hadolint", "Dockerfile"],
    "reference": [PYTHON, "-m", "tools.reference", "check"],
    "countries": [PYTHON, "tools/countries.py", "check"],
    "translations": [PYTHON, "tools/translations.py", "check"],
    "production settings": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
}


def main() -> int:
    """Run every step, show the output of those that fail, and say which did."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTP_", "TWILIO_", "DATABASE_"))}
    failed = []
    for name, command in STEPS.items():
        done = subprocess.run(command, cwd=ROOT, env=kept | PRODUCTION, capture_output=True, text=True, check=False)
        sys.stdout.write(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name}\n")
        if done.returncode:
            failed.append(name)
            sys.stdout.write(done.stdout + done.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
