"""Statements that are put together once: what they find and write is what Django's own would."""

import gc
import json
import threading
import weakref
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otp_app import queries
from otp_app.models import Token, User
from otp_app.queries import Lookup, Part, inserting, run, together, updating
from tests.factories import new_phone
from tests.races import race

POSTGRESQL = connection.vendor == "postgresql"


class Loud(models.CharField):
    """Stored in small letters, and read in capital ones."""

    def get_prep_value(self, value):
        return value and value.lower()

    def from_db_value(self, value, expression, connection):
        return value and value.upper()


class Thing(models.Model):
    """A column of each kind that needs care."""

    name = Loud(max_length=16, unique=True)
    number = models.IntegerField(default=7)
    light = models.BooleanField(default=True)
    dark = models.BooleanField(default=False)
    note = models.CharField(max_length=16)
    word = models.CharField(max_length=16, default="a word")
    maybe = models.IntegerField(null=True)
    token = models.UUIDField(default=uuid4)
    data = models.JSONField(default=dict)
    made = models.DateTimeField(default=timezone.now)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("1.50"))
    digest = models.BinaryField(default=b"\0\xff")

    class Meta:
        app_label = "tests"

    def __str__(self):
        return self.name


WHOLE = {
    "number": -1,
    "light": False,
    "dark": True,
    "note": "it's 100 %s",
    "word": "",
    "maybe": 0,
    "token": UUID(int=1),
    "data": {"a": [1, None, "ö"]},
    "made": datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC),
    "price": Decimal("2.25"),
    "digest": b"'\0",
}


@pytest.fixture(autouse=True)
def _things(transactional_db):
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Thing)


def by_name(*columns):
    return Lookup(Thing.objects.all(), "name", columns or queries.columns_of(Thing))


def insert(name, **values):
    return run("default", inserting("default", Thing, {"name": name} | values))


def facts(thing):
    """As plain values: SQLite gives bytes, PostgreSQL a view of them."""
    return {name: getattr(thing, name) for name in WHOLE} | {"digest": bytes(thing.digest)}


# finding


@pytest.mark.parametrize("values", [{}, WHOLE])
def test_what_is_found_is_what_django_finds(values):
    Thing.objects.create(name="other")
    thing = Thing.objects.create(name="one", **values)
    found = Thing.from_db("default", queries.columns_of(Thing), by_name().first("default", "one"))
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


# writing


def test_a_new_row_has_what_is_named_and_the_defaults_of_the_rest():
    before = timezone.now()
    assert insert("one") == [(1,)]
    thing, plain = Thing.objects.get(), Thing(name="one")
    for name in ("number", "light", "dark", "note", "word", "maybe", "data", "price"):
        assert getattr(thing, name) == getattr(plain, name), name
    assert before <= thing.made <= timezone.now()
    assert isinstance(thing.token, UUID)
    assert bytes(thing.digest) == b"\0\xff"


def test_a_default_that_is_called_is_called_for_each_row():
    insert("one")
    insert("two")
    assert len(set(Thing.objects.values_list("token", flat=True))) == 2


def test_a_new_row_has_every_value_that_is_named():
    insert("one", **WHOLE)
    assert (Thing.objects.get().name, facts(Thing.objects.get())) == ("ONE", WHOLE)


def test_an_id_of_ours_is_the_digits_of_a_uuid():
    insert("one", token=UUID(int=5).hex)
    assert Thing.objects.get().token == UUID(int=5)


def test_nothing_may_be_written_where_nothing_is_allowed():
    insert("one", maybe=None, number=1)
    assert Thing.objects.get().maybe is None


def test_statements_of_different_columns_are_kept_apart():
    for name, values in (("one", {}), ("two", {"number": 1}), ("three", {}), ("four", {"word": "other"})):
        insert(name, **values)
    rows = Thing.objects.order_by("pk").values_list("number", "word")
    assert list(rows) == [(7, "a word"), (1, "a word"), (7, "a word"), (7, "other")]


def test_a_change_is_of_the_rows_for_which_it_holds_and_of_the_columns_that_are_named():
    for name in ("one", "two", "three"):
        insert(name, number=len(name))
    changed = run(
        "default", updating("default", Thing, WHOLE | {"number": 9}, "number = %s AND name <> %s", [3, "two"])
    )
    assert changed == [(1,)]
    assert facts(Thing.objects.get(name="one")) == WHOLE | {"number": 9}
    assert Thing.objects.get(name="two").number == 3
    assert run("default", updating("default", Thing, {"number": 1}, "name = %s", ["nobody"])) == []
    run("default", updating("default", Thing, {"number": 8}, "name = %s", ["one"]))
    assert facts(Thing.objects.get(name="one")) == WHOLE | {"number": 8}


# together


def asking(*columns, where="1 = 1", params=()):
    chosen = ", ".join(columns)
    return Part(f"SELECT {chosen} FROM tests_thing WHERE {where} ORDER BY id", params, len(columns))


def plain(answers):
    """Rows as lists, and what JSON has no type for as text."""
    return [json.loads(json.dumps([list(row) for row in rows], default=str)) for rows in answers]


def test_several_statements_are_one_where_the_database_can_and_each_answers_for_itself():
    for name in ("one", "two"):
        insert(name, number=len(name))
    parts = [
        inserting("default", Thing, {"name": "three"}),
        asking("name", "number", where="name <> %s", params=["three"]),
        updating("default", Thing, {"note": "%s"}, "name = %s", ["one"]),
        asking("id", where="number = %s", params=[100]),
        updating("default", Thing, {"note": "none"}, "number = %s", [100]),
    ]
    with CaptureQueriesContext(connection) as made:
        answers = together("default", parts)
    assert plain(answers) == [[[1]], [["one", 3], ["two", 3]], [[1]], [], []]
    assert len(made) == (1 if POSTGRESQL else 5)
    assert list(Thing.objects.order_by("pk").values_list("name", "note")) == [("ONE", "%s"), ("TWO", ""), ("THREE", "")]


def test_they_begin_in_the_order_in_which_they_are_named():
    """The order of locks, which keeps two requests from waiting for each other."""
    names = ["c", "a", "d", "b"]
    together("default", [inserting("default", Thing, {"name": name}) for name in names])
    assert list(Thing.objects.order_by("pk").values_list("name", flat=True)) == [name.upper() for name in names]


def test_on_postgresql_none_of_them_sees_what_another_writes():
    """Whoever needs to know reads it again, or reads what a statement returns."""
    insert("one", number=1)
    parts = [updating("default", Thing, {"number": 2}, "name = %s", ["one"]), asking("number")]
    assert plain(together("default", parts)) == [[[1]], [[1 if POSTGRESQL else 2]]]


def test_values_of_one_alone_are_as_the_database_gives_them_and_of_several_as_json_has_them():
    insert("one", **WHOLE)
    part = asking("number", "note", "word", "maybe", "token", "data")
    ((alone,),) = together("default", [part])
    expected = WHOLE if POSTGRESQL else WHOLE | {"token": WHOLE["token"].hex, "data": '{"a": [1, null, "\\u00f6"]}'}
    assert alone[:5] == tuple(expected[name] for name in ("number", "note", "word", "maybe", "token"))
    ((first,), (second,)) = together("default", [part, part])
    assert first == second
    assert first[:4] == (alone[:4] if not POSTGRESQL else list(alone[:4]))
    assert UUID(first[4]) == WHOLE["token"]
    assert (first[5] if POSTGRESQL else json.loads(first[5])) == WHOLE["data"]


def test_a_failure_of_one_is_a_failure_of_all():
    insert("one")
    with pytest.raises(Exception, match=r"(?i)unique"):
        together("default", [inserting("default", Thing, {"name": name}) for name in ("one", "one")])
    assert Thing.objects.count() == 1
