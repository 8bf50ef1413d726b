"""Check the database that challenges and counters are in."""

from collections.abc import Collection
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections, router, transaction

from ..models import ChallengeRow, Counter, Delivery, Failure


@register(Tags.database)
def check_database(**_: Any) -> list[CheckMessage]:
    """Find an unsupported database (E009), or tables in two databases, which no transaction spans (E014)."""
    alias = router.db_for_write(ChallengeRow)
    if {router.db_for_write(model) for model in (Counter, Delivery, Failure)} != {alias}:
        hint = "Let your database router name one database for all models of otp_app."
        return [Error("Challenges, counters and deliveries must be in one database.", hint=hint, id="otp_app.E014")]
    if connections[alias].vendor in ("postgresql", "sqlite"):
        return []
    hint = "Name one of the two in DATABASES, or lead the models of otp_app there by a database router."
    return [Error("The SQL store needs PostgreSQL or SQLite 3.35 and later.", hint=hint, id="otp_app.E009")]


@register(Tags.database)
def check_server(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Find transactions that are not READ COMMITTED (E031), and a server without advisory locks of transactions (E032).

    The check asks the server, so it runs where the database is named: ``check --database default``, ``migrate``.
    """
    alias = router.db_for_write(ChallengeRow)
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    levels = {_isolation(alias)}
    with transaction.atomic(using=alias):  # Django's OPTIONS say what is within, the server's settings what is outside
        levels.add(_isolation(alias))
    if wrong := sorted(levels - {"read committed"}):
        text = f"Transactions of the database {alias!r} are {wrong[0].upper()}: the limits need READ COMMITTED."
        hint = (
            "Take isolation_level out of its OPTIONS, and default_transaction_isolation out of the server's settings."
        )
        return [Error(text, hint=hint, id="otp_app.E031")]
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(0)")
    except DatabaseError:
        text = f"The server of the database {alias!r} has no advisory locks, by which the limits are kept."
        return [Error(text, hint="Use PostgreSQL itself, 14 or later.", id="otp_app.E032")]
    return []


def _isolation(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_isolation')")
        return str(cursor.fetchone()[0])


@register(Tags.database, deploy=True)
def check_connections(**_: Any) -> list[CheckMessage]:
    """Warn of a new connection for each request, which has to prepare each function of the store anew (W012)."""
    alias = router.db_for_write(ChallengeRow)
    values = connections[alias].settings_dict
    if connections[alias].vendor != "postgresql" or values["CONN_MAX_AGE"] != 0 or values["OPTIONS"].get("pool"):
        return []
    text = f"Connections to the database {alias!r} are not kept: a send costs several times as much on a new one."
    hint = "Set CONN_MAX_AGE, or OPTIONS['pool']; behind PgBouncer, which keeps them, silence this."
    return [checks.Warning(text, hint=hint, id="otp_app.W012")]
