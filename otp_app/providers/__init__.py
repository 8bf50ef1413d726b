"""Providers carry messages. The one in force is chosen by settings and made once per process."""

from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..conf import provider_settings
from .base import Provider

_made: dict[str, Provider] = {}


def current() -> tuple[str, Provider]:
    """The alias and the instance of the provider in force."""
    chosen = provider_settings()
    key = repr((chosen["BACKEND"], chosen.get("OPTIONS")))
    if key not in _made:
        _made[key] = import_string(chosen["BACKEND"])(**chosen.get("OPTIONS", {}))
    return chosen["ALIAS"], _made[key]


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(("OTP_", "TWILIO_")):
        _made.clear()


setting_changed.connect(_forget)
