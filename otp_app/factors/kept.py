"""Ask for authenticators and passkeys alike, in one query: each is a factor that recovery codes stand in for."""

from typing import Any

from django.db import router
from django.db.models import QuerySet

from ..models import Authenticator, Passkey


def has_any(user: Any) -> bool:
    """Return whether a user has an authenticator or a passkey, also one that is of no use by the settings."""
    return _of(user).exists()


def is_of(user: Any, key: str) -> bool:
    """Return whether the authenticator or the passkey with this primary key is the user's, and not removed since."""
    return bool(key) and _of(user, pk=key).exists()


def _of(user: Any, **which: Any) -> QuerySet[Any, Any]:
    """Return the keys of both, from the database that they are written to: a replica has them late."""
    authenticators = Authenticator.objects.using(router.db_for_write(Authenticator))
    passkeys = Passkey.objects.using(router.db_for_write(Passkey)).order_by()
    shown = authenticators.filter(user_id=user.pk, last_step__isnull=False, **which)
    return shown.values("pk").union(passkeys.filter(user_id=user.pk, **which).values("pk"))
