"""Sign-ins that the store in Redis marks in the database, many at once."""

import pytest
from django.db import OperationalError

from otp_app.challenges import Status
from otp_app.models import Delivery
from otp_app.stores import redis as redis_store
from tests.asking import check
from tests.races import race

from .redis_calls import DAY, open_one

pytestmark = pytest.mark.django_db


def sign_in(store):
    opened = open_one(store)
    assert store.close(check(store, opened), Status.APPROVED)
    return opened.id


def marked():
    return {challenge.hex for challenge in Delivery.objects.filter(converted=True).values_list("challenge", flat=True)}


def test_every_so_many_sign_ins_one_of_them_marks_them_all(store, monkeypatch, django_assert_num_queries):
    """A statement for each would double what a sign-in costs in the database."""
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 3)
    first = [sign_in(store) for _ in range(2)]
    assert marked() == set()
    opened = open_one(store)
    spent = check(store, opened)
    with django_assert_num_queries(1):
        store.close(spent, Status.APPROVED)
    assert marked() == {*first, opened.id}
    sign_in(store)
    assert marked() == {*first, opened.id}


def test_settling_marks_the_rest_in_as_many_batches_as_it_takes(store, server, monkeypatch):
    done = [sign_in(store) for _ in range(5)]
    store.close(open_one(store), Status.CANCELED)
    open_one(store)
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 2)
    store.settle()
    assert marked() == set(done)
    assert not server.command("EXISTS", "otp:converted")
    store.settle()


def test_a_sign_in_is_one_though_it_cannot_be_marked(store, monkeypatch):
    """It is for a report."""

    def fail(*_asked):
        raise OperationalError

    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 1)
    monkeypatch.setattr(redis_store.outbox, "mark_converted", fail)
    sign_in(store)


def test_what_nobody_settles_is_forgotten_after_a_month(store, server):
    sign_in(store)
    assert 29 * DAY * 1000 < server.command("PTTL", "otp:converted") <= 30 * DAY * 1000


@pytest.mark.django_db(transaction=True)
def test_of_many_who_settle_at_once_each_marks_what_no_other_does(store, monkeypatch):
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 2)
    monkeypatch.setattr(redis_store.outbox, "mark_converted", lambda alias, ids: taken.extend(ids))
    taken = []
    done = [sign_in(store) for _ in range(9)]
    assert race(lambda _: store.settle(), 4) == [0] * 4
    assert sorted(taken) == sorted(done)
