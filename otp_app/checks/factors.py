"""Check that the factors that people have are still of use."""

from collections.abc import Callable, Collection
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.db import DatabaseError, router, transaction
from django.db.models import Model

from ..factors import authenticators, passkeys, relying_party
from ..models import Authenticator, Passkey
from .types import register


@register(Tags.database)
def check_keys(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of authenticators whose key has left the settings, so that no code of theirs is right any more (W040).

    The check reads a table, so it runs where the database is named: ``check --deploy --database default``, ``migrate``.
    """
    lost = _count(databases, Authenticator, authenticators.how_many_lost)
    hint = "Bring the key back: set OTP_LEDGER_KEY as it was, or add the old SECRET_KEY to SECRET_KEY_FALLBACKS."
    text = (
        f"The key of {lost} authenticators has left the settings; their owners have recovery codes and passkeys only."
    )
    return [checks.Warning(text, hint=hint, id="otp_app.W040")] if lost else []


@register(Tags.database)
def check_domain(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of passkeys that nobody can use, because their domain has left the settings (W041).

    It runs where ``check_keys`` does.
    """
    kept = 0 if relying_party.is_on() else _count(databases, Passkey, passkeys.how_many)
    hint = 'Set OTP_PASSKEY_RP_ID to the domain that they were made for, and install the extra "passkeys" of otp-app.'
    text = f"{kept} passkeys are kept, but passkeys are off: they sign nobody in and are no second factor any more."
    return [checks.Warning(text, hint=hint, id="otp_app.W041")] if kept else []


def _count(databases: Collection[str] | None, model: type[Model], how_many: Callable[[], int]) -> int:
    """Return how many rows of a model these are; 0 where its database is not named, or has no table as yet."""
    alias = router.db_for_write(model)
    if alias not in (databases or ()):
        return 0
    try:
        with transaction.atomic(using=alias):
            return how_many()
    except DatabaseError:  # before the first migrate
        return 0
