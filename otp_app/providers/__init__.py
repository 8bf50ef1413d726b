"""Providers carry messages. The one in force is chosen by settings and made once per process."""

from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..conf import provider_settings
from .base import Provider


def current() -> tuple[str, Provider]:
    """The alias and the instance of the provider in force."""
    chosen = provider_settings()
    options = tuple(sorted(chosen.get("OPTIONS", {}).items()))
    return chosen["ALIAS"], _make(chosen["BACKEND"], options)


@lru_cache(maxsize=8)
def _make(backend: str, options: tuple[tuple[str, Any], ...]) -> Provider:
    provider: Provider = import_string(backend)(**dict(options))
    return provider


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(("OTP_", "TWILIO_")):
        _make.cache_clear()


setting_changed.connect(_forget)
