"""Trace the functions in PostgreSQL, as a plugin of pytest (``-p tests.traced``): each executed statement is noticed.

Statements that no test executes are written to the file that UNSEEN names.
"""

import os
from pathlib import Path

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from tests import plpgsql


@pytest.fixture(scope="session", autouse=True)
def _traced(django_db_setup, django_db_blocker):
    seen = set()

    def listen(connection, **_):
        connection.connection.add_notice_handler(lambda notice: seen.add(notice.message_primary))

    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            statements = dict(_trace(cursor))
        connection.close()
    assert statements
    connection_created.connect(listen)
    yield
    connection_created.disconnect(listen)
    unseen = [f"{name}: {text}" for name, text in statements.items() if name not in seen]
    Path(os.environ["UNSEEN"]).write_text("\n".join(unseen))


def _trace(cursor):
    """Put a notice in front of each statement, and yield names and texts of all statements."""
    for function in plpgsql.installed(cursor):
        body = function.body
        for begin, end in sorted(
            function.statements, reverse=True
        ):  # from the end, so that the places before it stay the same
            name = f"{function.name} {begin}"
            yield name, function.body[begin:end]
            body = f"{body[:begin]}RAISE NOTICE '{name}'; {body[begin:]}"
        cursor.execute(function.replaced(body))
