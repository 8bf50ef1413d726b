"""Several rows by one statement, and one by the statement that finds what it belongs to."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otp_app.db import lookups
from otp_app.db.lookups import Lookup
from otp_app.db.writes import inserting_found, may_combine, merging, run
from otp_app.models import Counter, Token, User
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)

combines = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes in no statement that reads")
ADDS = f"expires_at = {Counter._meta.db_table}.expires_at + excluded.expires_at"


def counter(number, **values):
    return {"key": UUID(int=number).hex, "newest": [], "rings": [], "expires_at": 1} | values


def merge(*rows, then=""):
    return run("default", merging("default", Counter, rows, ["key"], then))


def expiries():
    return {key.int: at for key, at in Counter.objects.values_list("key", "expires_at")}


# several rows


def test_several_rows_are_one_statement_and_each_answers():
    with CaptureQueriesContext(connection) as made:
        assert merge(*(counter(n, expires_at=n) for n in range(1, 6))) == [(1,)] * 5
    assert len(made) == 1
    assert expiries() == {n: n for n in range(1, 6)}


def test_each_row_has_its_values_and_the_defaults_of_the_rest():
    merge(counter(1, newest=[2**40], rings=[]), counter(2, newest=[], rings=[1, 2]))
    first, second = Counter.objects.order_by("key")
    assert (first.newest, first.rings, second.newest, second.rings) == ([2**40], [], [], [1, 2])
    assert {row.blocked_until for row in (first, second)} == {0}


def test_what_is_there_stays_as_it_is_where_nothing_is_said():
    merge(counter(1, expires_at=7))
    assert merge(counter(1, expires_at=9), counter(2, expires_at=9)) == [(1,)]
    assert expiries() == {1: 7, 2: 9}


def test_of_what_is_there_is_set_what_is_said_and_nothing_else():
    merge(counter(1, expires_at=7, newest=[5]))
    assert merge(counter(1, expires_at=2, newest=[6]), counter(2, expires_at=2, newest=[6]), then=ADDS) == [(1,)] * 2
    assert expiries() == {1: 9, 2: 2}
    assert Counter.objects.get(key=UUID(int=1)).newest == [5]


def test_a_row_that_is_in_the_way_by_anything_else_is_an_error():
    user = User.objects.create_user(new_phone())
    row = {"phone": user.phone, "password": "", "pk": None}
    with pytest.raises(IntegrityError):
        run("default", merging("default", User, [row], ["id"]))


# with what is found


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


def by_phone():
    return Lookup(User.objects.all(), "phone", lookups.columns_of(User))


def token():
    now = timezone.now()
    row = {"digest": b"\x80" * 32, "used_at": now, "expires_at": now + timedelta(days=1)}
    return inserting_found("default", Token, row)


def test_one_statement_changes_several_things_where_the_database_can():
    assert may_combine("default") is (connection.vendor == "postgresql")


@combines
def test_what_is_found_has_a_row_by_the_same_statement(user):
    User.objects.create_user(new_phone())
    lookup = by_phone()
    with CaptureQueriesContext(connection) as made:
        found = lookup.first("default", user.phone, [token()])
    assert lookups.instance(User, "default", found) == user
    assert len(made) == 1
    row = Token.objects.get()
    assert (row.user_id, bytes(row.digest)) == (user.pk, b"\x80" * 32)
    assert row.expires_at - row.used_at == timedelta(days=1)


@combines
def test_where_nothing_is_found_nothing_is_written(user):
    assert by_phone().first("default", new_phone(), [token()]) is None
    assert not Token.objects.exists()


@combines
def test_who_is_found_and_not_active_is_found_all_the_same(user):
    User.objects.update(is_active=False)
    assert by_phone().first("default", user.phone, [token()])
    assert not Token.objects.exists()


@combines
def test_a_row_that_cannot_be_written_is_an_error_and_the_same_look_up_goes_on(user):
    lookup = by_phone()
    lookup.first("default", user.phone, [token()])
    with pytest.raises(IntegrityError):
        lookup.first("default", user.phone, [token()])
    assert lookup.first("default", user.phone)
    assert Token.objects.count() == 1
