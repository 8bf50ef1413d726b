"""A database by which the limits could not be kept is refused by a check."""

from types import SimpleNamespace

import pytest
from django.db import connection, router

from otp_app.checks import database
from otp_app.checks.database import check_connections, check_database, check_server
from otp_app.models import Delivery, Failure

pytestmark = pytest.mark.django_db(transaction=True)

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone")


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize("apart", [Delivery, Failure])
def test_tables_in_two_databases_are_refused(monkeypatch, apart):
    monkeypatch.setattr(router, "db_for_write", lambda model: "one" if model is apart else "other")
    assert ids(check_database()) == ["otp_app.E014"]


def test_another_database_is_refused(monkeypatch):
    monkeypatch.setattr(database, "connections", {"default": SimpleNamespace(vendor="mysql")})
    assert ids(check_database()) == ["otp_app.E009"]


def test_the_databases_of_the_suite_are_taken():
    assert check_database() == check_server(databases=["default"]) == []


@on_postgresql
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_server_whose_transactions_are_of_another_isolation_is_refused_where_it_is_named(level):
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_transaction_isolation = '{level}'")
        try:
            found = check_server(databases=["default"])
            assert check_server() == check_server(databases=["another"]) == []
        finally:
            cursor.execute("RESET default_transaction_isolation")
    assert ids(found) == ["otp_app.E031"]
    assert level.upper() in found[0].msg


@on_postgresql
def test_a_server_without_advisory_locks_is_refused():
    def refuse(execute, sql, params, many, context):
        return execute(sql.replace("pg_advisory_xact_lock", "no_such_function"), params, many, context)

    with connection.execute_wrapper(refuse):
        assert ids(check_server(databases=["default"])) == ["otp_app.E032"]


@pytest.mark.parametrize(
    ("kept", "options", "found"),
    [(0, {}, ["otp_app.W012"]), (60, {}, []), (None, {}, []), (0, {"pool": True}, [])],
)
def test_connections_that_are_not_kept_are_warned_of(monkeypatch, kept, options, found):
    values = {"CONN_MAX_AGE": kept, "OPTIONS": options}
    server = SimpleNamespace(vendor="postgresql", settings_dict=values)
    monkeypatch.setattr(database, "connections", {"default": server})
    assert ids(check_connections()) == found


def test_a_file_needs_no_connections_that_are_kept(monkeypatch):
    server = SimpleNamespace(vendor="sqlite", settings_dict={"CONN_MAX_AGE": 0, "OPTIONS": {}})
    monkeypatch.setattr(database, "connections", {"default": server})
    assert check_connections() == []
