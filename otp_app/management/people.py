"""Find the user whom an option of a command names."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError


def user_named(option: str, name: str) -> Any:
    """Return the user who signs in by this name; raise CommandError, which names the option, if there is none."""
    users = get_user_model()
    try:
        return users._default_manager.get_by_natural_key(name)  # noqa: SLF001  (documented by Django)
    except users.DoesNotExist:
        raise CommandError(f"{option} {name}: there is no such user.") from None
