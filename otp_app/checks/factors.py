"""Check that the secrets of authenticators can still be derived."""

from collections.abc import Collection
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, router, transaction

from ..factors import authenticators
from ..models import Authenticator


@register(Tags.database)
def check_keys(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of authenticators whose key has left the settings, so that no code of theirs is right any more (W040).

    The check reads a table, so it runs where the database is named: ``check --deploy --database default``, ``migrate``.
    """
    alias = router.db_for_write(Authenticator)
    if alias not in (databases or ()):
        return []
    try:
        with transaction.atomic(using=alias):
            lost = authenticators.how_many_lost()
    except DatabaseError:  # there is no table before the first migrate
        return []
    hint = "Bring the key back: set OTP_LEDGER_KEY as it was, or add the old SECRET_KEY to SECRET_KEY_FALLBACKS."
    text = (
        f"The key of {lost} authenticators has left the settings; their owners have recovery codes and passkeys only."
    )
    return [checks.Warning(text, hint=hint, id="otp_app.W040")] if lost else []
