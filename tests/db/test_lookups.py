"""Look-ups that are put together once: what they find is what Django's own would."""

import gc
import threading
import weakref

import pytest
from django.db import connections
from django.utils import timezone

from otp_app.db import lookups
from otp_app.db.lookups import Lookup
from otp_app.models import Token, User
from tests.factories import new_phone
from tests.races import race
from tests.things import WHOLE, Thing, facts

pytestmark = pytest.mark.usefixtures("things")


def by_name(*columns):
    return Lookup(Thing.objects.all(), "name", columns or lookups.columns_of(Thing))


@pytest.mark.parametrize("values", [{}, WHOLE])
def test_what_is_found_is_what_django_finds(values):
    Thing.objects.create(name="other")
    thing = Thing.objects.create(name="one", **values)
    found = Thing.from_db("default", lookups.columns_of(Thing), by_name().first("default", "one"))
    assert (found.pk, found.name, facts(found)) == (thing.pk, "ONE", facts(Thing.objects.get(pk=thing.pk)))


def test_what_is_not_there_is_not_found():
    Thing.objects.create(name="other")
    assert by_name().first("default", "one") is None


def test_a_value_is_prepared_as_its_field_wants_it():
    Thing.objects.create(name="one")
    assert by_name("number").first("default", "ONE") == (7,)


def test_columns_that_need_no_conversion_are_as_the_database_gives_them():
    Thing.objects.create(name="one", number=3, note="words")
    assert by_name("note", "number").first("default", "one") == ("words", 3)


def test_a_value_that_says_something_in_sql_is_a_value():
    name = "' OR 1=1 -- %s"
    Thing.objects.create(name="other")
    assert by_name().first("default", name) is None
    Thing.objects.create(name=name)
    assert by_name("name").first("default", name) == (name.upper(),)


def test_columns_of_another_table_come_in_the_same_statement(django_assert_num_queries):
    user = User.objects.create_user(new_phone())
    token = Token.objects.create(user=user, digest=b"\x80" * 32, used_at=timezone.now(), expires_at=timezone.now())
    lookup = Lookup(Token.objects.all(), "digest", ["pk", "user__phone", "expires_at"])
    with django_assert_num_queries(1):
        assert lookup.first("default", b"\x80" * 32) == (token.pk, user.phone, token.expires_at)
    assert lookup.first("default", b"\x80" * 31) is None


def test_the_condition_of_the_rows_holds():
    lookup = Lookup(Thing.objects.filter(number__gt=5, note="%s"), "name", ["number"])
    Thing.objects.create(name="one", number=5, note="%s")
    Thing.objects.create(name="two", number=6, note="%s")
    assert lookup.first("default", "one") is None
    assert lookup.first("default", "two") == (6,)


def test_it_is_put_together_once_for_each_connection(monkeypatch):
    compiled = []
    compile_one = Lookup._compile
    monkeypatch.setattr(Lookup, "_compile", lambda lookup, alias: compiled.append(1) or compile_one(lookup, alias))
    Thing.objects.create(name="one")
    lookup = by_name("number")
    for _ in range(3):
        assert lookup.first("default", "one") == (7,)
    assert len(compiled) == 1
    assert race(lambda _: [lookup.first("default", "one") for _ in range(5)], 4) == [[(7,)] * 5] * 4
    assert len(compiled) == 5


def test_the_connection_of_a_thread_that_has_ended_is_not_kept():
    """Or a server that makes a thread for each request would run out of connections."""
    lookup, seen = by_name("number"), []

    def look():
        lookup.first("default", "one")
        seen.append(weakref.ref(connections["default"]))
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    gc.collect()
    assert [connection() for connection in seen] == [None]
