"""Carry messages by the providers that the settings choose, each created once per process."""

from collections.abc import Mapping
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..conf import provider_entries
from .base import Provider

_instances: dict[str, Any] = {}


def aliases() -> list[str]:
    """Return the aliases of all providers, in the order of the settings."""
    return [entry["ALIAS"] for entry in provider_entries()]


def get(alias: str) -> Provider:
    """Return the provider with this alias. Raises KeyError if there is none."""
    entry = next((entry for entry in provider_entries() if entry["ALIAS"] == alias), None)
    if entry is None:
        raise KeyError(alias)
    provider: Provider = made(entry)
    return provider


def made(entry: Mapping[str, Any]) -> Any:
    """Return the instance of an entry's BACKEND with its OPTIONS. Raises what the import or the class raises."""
    key = repr((entry["BACKEND"], entry.get("OPTIONS")))
    if key not in _instances:
        _instances[key] = import_string(entry["BACKEND"])(**entry.get("OPTIONS", {}))
    return _instances[key]


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(("OTP_", "TWILIO_")):
        _instances.clear()


setting_changed.connect(_forget)
