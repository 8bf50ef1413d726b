"""Several statements as one: what each of them answers and sees, and what undoes them."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from otp_app.queries import Condition, Part, all_or_nothing, count_of, required, together
from otp_app.writes import inserting, updating
from tests.things import POSTGRESQL, WHOLE, Thing, insert

pytestmark = pytest.mark.usefixtures("things")


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


# all or nothing

combines = pytest.mark.skipif(not POSTGRESQL, reason="SQLite changes one table in a statement")


@combines
@pytest.mark.parametrize("holds", [True, False])
def test_where_what_is_required_does_not_hold_nothing_is_written(holds):
    condition = Condition(f"{count_of(0, 1).sql} AND %s = 'it'", ["it" if holds else "another"])
    parts = [inserting("default", Thing, {"name": "one"}), required(condition), asking("number")]
    answers = all_or_nothing("default", parts)
    assert answers == ([[[1]], [[1]], []] if holds else None)
    assert Thing.objects.count() == holds


@combines
def test_within_a_transaction_nothing_else_is_undone():
    with transaction.atomic():
        insert("one")
        parts = [inserting("default", Thing, {"name": "two"}), required(Condition("false"))]
        assert all_or_nothing("default", parts) is None
    assert Thing.objects.get().name == "ONE"


@combines
def test_another_error_is_none_of_its_business():
    with pytest.raises(DataError):
        all_or_nothing("default", [inserting("default", Thing, {"name": "n" * 17}), required(Condition("true"))])


@combines
def test_what_need_not_be_told_is_done_all_the_same_where_another_asks_for_it():
    parts = [replace(inserting("default", Thing, {"name": "one"}), told=False), required(count_of(0, 1))]
    assert together("default", parts) == [[[1]]]
    assert Thing.objects.count() == 1
