"""Keep challenges and counters on PostgreSQL: each call is one function in the database (``functions/*.sql``).

Calls that need counters shared by all requests go through a procedure. It releases their locks before the commit is on
disk, and answers when the commit is. Within a transaction, which only a host's tests may have open here, a procedure
cannot commit: the function is then called by itself.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connections

from ...errors import WrongIsolation
from ...limits.values import RequestLimits
from .. import wire
from ..wire import Document

_MEETING = frozenset(("open", "spend_send", "close", "undo_send"))
_FILES = ("types", "locks", "rings", "writes", "windows", "calls")


def answer(alias: str, name: str, asked: Document, request_limits: RequestLimits) -> Document:
    """Call the function ``name``, return its answer. Raise WrongIsolation where transactions are not READ COMMITTED."""
    connection: Any = connections[alias]
    early = name in _MEETING and connection.get_autocommit()
    sql = "CALL otp_app_call_2(%s, %s, NULL)" if early else "SELECT otp_app_ask_2(%s, %s)"
    connection.ensure_connection()
    # Values go beside the statement, not in its text, as Django has them: PostgreSQL's log quotes statements that fail.
    raw = connection.Database.Cursor(connection.connection)
    with connection._prepare_cursor(raw) as cursor:  # noqa: SLF001  (of another kind than Django makes)
        cursor.execute(sql, [name, wire.written(asked, request_limits)])
        found: Document = json.loads(cursor.fetchone()[0])
    if found["state"] == "isolation":
        raise WrongIsolation
    return found


@cache
def functions() -> str:
    """Return the SQL that installs the functions."""
    folder = Path(__file__).with_name("functions")
    return "\n".join((folder / f"{name}.sql").read_text() for name in _FILES)


def dropping() -> str:
    """Return the SQL that drops the functions."""
    made = re.findall(r"^CREATE (FUNCTION|PROCEDURE|TYPE) (\w+)", functions(), re.MULTILINE)
    kinds = {"FUNCTION": "ROUTINE", "PROCEDURE": "ROUTINE", "TYPE": "TYPE"}
    return "\n".join(f"DROP {kinds[kind]} IF EXISTS {name} CASCADE;" for kind, name in reversed(made))
