"""Read the environment, to which ``.env`` is added first. Raise ImproperlyConfigured for a value of another form.

Values are literal: ``$`` has no meaning.

``NAME_FILE`` instead of ``NAME`` names a file with the value, as for container secrets.
"""

import json
import os
from logging import getLevelNamesMapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off", ""}


def load(default: Path) -> None:
    """Add the file that ENV_FILE names, or ``default``, to the environment; what stands there already wins."""
    environ.Env.read_env(os.environ.get("ENV_FILE") or default)


def is_set(name: str) -> bool:
    """Return whether a name is set, directly or by file."""
    return name in os.environ or f"{name}_FILE" in os.environ


def text(name: str, default: str = "") -> str:
    """Return a value without surrounding white space, because files tend to end in a line break."""
    path = os.environ.get(f"{name}_FILE")
    return (Path(path).read_text() if path else os.environ.get(name, default)).strip()


def items(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list."""
    return [item for part in text(name, default).split(",") if (item := part.strip())]


def mapping(name: str) -> dict[str, Any]:
    """Return a JSON object."""
    value: dict[str, Any] = _json(name, dict, "a JSON object")
    return value


def entries(name: str) -> list[dict[str, Any]]:
    """Return a JSON array of objects."""
    value: list[dict[str, Any]] = _json(name, list, "a JSON array of objects")
    if not all(isinstance(item, dict) for item in value):
        raise ImproperlyConfigured(f"{name} must be a JSON array of objects.")
    return value


def _json(name: str, kind: type, what: str) -> Any:
    if not (raw := text(name)):
        return kind()
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise ImproperlyConfigured(f"{name} must be {what}.")
    return value


def integer(name: str, default: int = 0, *, least: int | None = None) -> int:
    """Return a whole number of at least ``least``."""
    value = text(name)
    try:
        number = int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if least is not None and number < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}, not {number}.")
    return number


def zone(name: str, default: str) -> str:
    """Read a time zone by its name."""
    value = text(name) or default
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ImproperlyConfigured(f"{name} must be a time zone such as Asia/Tashkent, not {value!r}.") from None


def level(name: str, default: str) -> str:
    """Read a level of the log."""
    value = (text(name) or default).upper()
    if value not in getLevelNamesMapping():
        raise ImproperlyConfigured(f"{name} must be DEBUG, INFO, WARNING or ERROR, not {value!r}.")
    return value


def flag(name: str, *, default: bool = False) -> bool:
    """Return a switch: 1, true, yes or on; 0, false, no, off or nothing."""
    value = text(name).lower()
    if value not in _YES | _NO:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in _YES if is_set(name) else default
