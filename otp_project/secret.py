"""Make a SECRET_KEY, keep one for development, and judge whether a secret can be guessed."""

import os
import secrets
from pathlib import Path

# As in Django's check security.W009.
MIN_CHARACTERS, MIN_DIFFERENT_CHARACTERS = 50, 5
UNSAFE_PREFIX = "django-insecure-"


def fresh_secret() -> str:
    """Make a secret of 384 random bits, in letters that shells and ``.env`` files take as they are."""
    return secrets.token_urlsafe(48)


def is_weak(secret: str) -> bool:
    """Return whether a secret is too short, has too few different characters, or is a placeholder of Django's."""
    is_short = len(secret) < MIN_CHARACTERS or len(set(secret)) < MIN_DIFFERENT_CHARACTERS
    return is_short or secret.startswith(UNSAFE_PREFIX)


def read_or_make_secret(path: Path) -> str:
    """Return the secret in ``path``; make it if it is missing, readable only by its owner.

    Two first runs at the same time get the same secret.
    """
    fresh = path.with_suffix(f".{os.getpid()}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh_secret())
        try:
            os.link(fresh, path)  # atomic, and refused when another process was faster
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
