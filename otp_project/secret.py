"""Make a SECRET_KEY, keep one for development, and tell whether one can be guessed."""

import os
import secrets
from pathlib import Path

# Those of Django's check security.W009.
LEAST, LEAST_DIFFERENT, UNSAFE_PREFIX = 50, 5, "django-insecure-"  # characters


def fresh_secret() -> str:
    """Make a secret of 384 random bits, in letters that shells and ``.env`` files take as they are."""
    return secrets.token_urlsafe(48)


def is_weak(secret: str) -> bool:
    """Tell whether a secret is too short, of too few characters, or a placeholder of Django's."""
    return len(secret) < LEAST or len(set(secret)) < LEAST_DIFFERENT or secret.startswith(UNSAFE_PREFIX)


def kept_secret(path: Path) -> str:
    """Return the secret in ``path``, or make one that only its owner can read; two first runs at once get the same."""
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
