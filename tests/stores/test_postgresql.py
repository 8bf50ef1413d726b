"""What is special to PostgreSQL: its isolation, its functions, and that its log names nobody."""

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connection, transaction

from otp_app import health
from otp_app.challenges import Status, random_id
from otp_app.errors import Limited, WrongIsolation
from otp_app.keys import phone_key
from otp_app.limits.values import RequestLimits
from otp_app.stores import postgresql
from otp_app.stores.sql import SqlStore
from tests.asking import check, open_one, send_again, sending
from tests.factories import new_challenge, new_phone

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has functions and such a log"),
    pytest.mark.django_db(transaction=True),
]

CLIENT = "2001:db8:1:2::/64"


@pytest.fixture
def store(clock):
    return SqlStore()


@pytest.fixture
def log():
    """What the server's log says from now on: the one that the suite starts writes it beside its data."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        path = Path(cursor.fetchone()[0]) / "log"
    try:
        begun = path.stat().st_size
    except OSError:
        if os.environ.get("CI") and not os.environ.get("TEST_DATABASE_URL"):
            raise  # the suite has started the server itself, so nothing excuses that its log is not there
        pytest.skip("the log of this server cannot be read from here")

    def said():
        return path.read_bytes()[begun:].decode()

    return said


def make(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


# isolation


@pytest.fixture
def serializable():
    """Transactions of this connection are, as a project may have set it."""
    make("SET default_transaction_isolation = 'repeatable read'")
    yield
    make("RESET default_transaction_isolation")


@pytest.mark.usefixtures("serializable")
@pytest.mark.parametrize("call", ["open", "usage", "take"])
def test_under_another_isolation_each_call_says_what_to_do_and_writes_nothing(store, call):
    challenge = new_challenge()
    calls = {
        "open": lambda: store.open(challenge, sending(challenge, CLIENT)),
        "usage": lambda: store.usage(sending(challenge, CLIENT).limits),
        "take": lambda: store.take(RequestLimits()),
    }
    with pytest.raises(WrongIsolation):
        calls[call]()
    assert "isolation_level" in WrongIsolation.__doc__
    assert store.get(challenge.id) is None


@pytest.mark.usefixtures("serializable")
def test_under_another_isolation_level_the_api_is_unavailable_and_not_ready(client):
    answer = client.post("/api/send-otp/", {"phone": new_phone()}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert health.probe_parts()["store"] is False


# functions


def test_within_the_transaction_of_a_test_of_a_hosts_a_call_is_made_by_itself(store):
    """A procedure that commits is not possible there."""
    with transaction.atomic():
        connection.atomic_blocks[-1]._from_testcase = True
        opened = open_one(store).challenge
        assert store.get(opened.id) == opened
        transaction.set_rollback(True)
    assert store.get(opened.id) is None


def test_a_call_that_there_is_not_is_an_error(store):
    with pytest.raises(TypeError):
        postgresql.answer("default", "no_such_call", {}, RequestLimits())


def test_all_that_is_installed_is_dropped_again():
    with transaction.atomic():
        make("SET LOCAL search_path TO pg_temp, public")
        make(postgresql.dropping())
        with connection.cursor() as cursor:
            cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'otp_app%'")
            assert cursor.fetchall() == []
            cursor.execute("SELECT typname FROM pg_type WHERE typname LIKE 'otp_app%type%'")
            assert cursor.fetchall() == []
        transaction.set_rollback(True)


def test_every_function_names_its_version():
    made = re.findall(r"^CREATE (?:FUNCTION|PROCEDURE|TYPE) (\w+)", postgresql.functions(), re.MULTILINE)
    assert made
    assert [name for name in made if not re.fullmatch(r"otp_app_\w+_\d+", name)] == []


# the log of the server


def test_what_strangers_can_bring_about_is_no_error_in_the_log_and_names_nobody(store, settings, log):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 2
    settings.OTP_WAITS = ()
    secrets = set()
    for number in range(40):  # more than the driver makes up its mind after
        challenge = new_challenge(phone=f"+99891111{number:04d}")
        secrets |= {challenge.phone[1:], challenge.id, challenge.nonce, phone_key(challenge.phone)}
        with suppress(Limited):
            store.open(challenge, sending(challenge, CLIENT))  # the prefix is full
    opened = open_one(store, client="2001:db8:7::/64").challenge
    secrets |= {opened.phone[1:], opened.id, opened.nonce, phone_key(opened.phone)}
    again = send_again(store, opened).challenge
    store.undo_send(again)
    store.undo_send(again)
    for _ in range(8):
        check(store, opened)
        with suppress(Limited):
            check(store, opened, client=CLIENT)
        unknown = new_challenge(id=random_id(), phone=opened.phone)
        secrets.add(unknown.id)
        check(store, unknown)
    assert not store.close(new_challenge(phone=opened.phone), Status.CANCELED)
    said = log()
    assert "ERROR" not in said
    assert "STATEMENT" not in said
    assert [secret for secret in secrets if secret in said.replace("-", "")] == []


def test_the_log_would_tell_of_an_error_and_a_call_that_fails_quotes_nothing_of_what_was_asked(store, log):
    challenge = new_challenge(channel="c" * 99)  # longer than its column
    with pytest.raises(Exception, match="too long"):
        store.open(challenge, sending(challenge, CLIENT))
    said = log()
    assert "ERROR" in said
    for secret in (challenge.phone[1:], challenge.id, challenge.nonce, phone_key(challenge.phone)):
        assert secret not in said.replace("-", "")
