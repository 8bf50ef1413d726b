"""Calls of the store in Redis that race: no limit is overshot, and one wins."""

from collections import Counter

import pytest

from otp_app.challenges import Status
from otp_app.limits.values import RequestLimits
from otp_app.models import Delivery
from tests.asking import check
from tests.factories import new_phone
from tests.races import race

from .redis_calls import key_limit, kinds, open_one, used

pytestmark = pytest.mark.django_db

THREADS = 30


@pytest.mark.django_db(transaction=True)
def test_i2_thirty_parallel_wrong_guesses_compare_five(store):
    opened = open_one(store)
    results = race(lambda _: check(store, opened), THREADS)
    assert kinds(results) == {"Challenge": 5, "NoneType": THREADS - 5}
    assert sorted(result.checks_left for result in results if result) == [0, 1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_i1_parallel_closes_have_one_winner(store):
    opened = open_one(store)
    spent = check(store, opened)
    assert Counter(race(lambda _: store.close(spent, Status.APPROVED), THREADS)) == {True: 1, False: THREADS - 1}


@pytest.mark.django_db(transaction=True)
def test_i8_no_limit_is_overshot_by_parallel_requests(store):
    request_limits = RequestLimits(
        (key_limit("first", amount=100), key_limit("second", amount=7), key_limit("third", amount=100))
    )
    results = race(lambda _: store.take(request_limits), THREADS)
    assert kinds(results) == {"tuple": 7, "Limited": THREADS - 7}
    assert used(store, *request_limits.limits) == [7, 7, 7]  # the refused took nothing of the others


@pytest.mark.django_db(transaction=True)
def test_i8_parallel_sends_to_a_phone_send_one(store):
    phone = new_phone()
    results = race(lambda n: open_one(store, client=f"192.0.2.{n}", phone=phone), 12)
    assert kinds(results) == {"Challenge": 1, "Limited": 11}
    assert Delivery.objects.count() == 1
