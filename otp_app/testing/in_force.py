"""Apply settings for a while."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed


@contextmanager
def in_force(**values: Any) -> Iterator[None]:
    """Apply settings until the end of the block.

    Unlike ``override_settings`` the block may end before settings that a test sets within it: a fixture that was asked
    for after pytest-django's ``settings`` does.
    """
    holder: Any = settings._wrapped  # type: ignore[misc]  # noqa: SLF001  (what is read at this moment)
    before = {name: getattr(holder, name) for name in values if hasattr(holder, name)}
    try:
        _apply(holder, values)
        yield
    finally:
        _apply(holder, before)
        for name in values.keys() - before.keys():
            delattr(holder, name)
            _forget(name, None)


def _apply(holder: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(holder, name, value)
        _forget(name, value)


def _forget(name: str, value: Any) -> None:
    settings.__dict__.pop(name, None)  # the value that was read before
    setting_changed.send(None, setting=name, value=value, enter=True)
