"""Rows that are written by statements of ours: they are what Django's own would be."""

from uuid import UUID

import pytest
from django.utils import timezone

from otp_app.db.writes import run, updating
from tests.things import WHOLE, Thing, facts, insert

pytestmark = pytest.mark.usefixtures("things")


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
