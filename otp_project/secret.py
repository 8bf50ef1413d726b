"""A SECRET_KEY for development, made on the first run and kept."""

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def kept_secret(path: Path) -> str:
    """The secret in ``path``; made, readable by its owner only, when there is none. Two first runs at once get one."""
    fresh = path.with_suffix(f".{os.getpid()}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
        try:
            os.link(fresh, path)  # atomic, and refused when another process was faster
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
