"""What is special to the SQL store: rows that several requests change at once, and its purge."""

import pytest

from otp_app.challenges import Challenge, Grant, Status
from otp_app.errors import InvalidOrExpiredCode, Limited
from otp_app.keys import phone_key
from otp_app.limits.values import Counts, Limit, RequestLimits, in_lock_order
from otp_app.models import ChallengeRow, Counter, Delivery, Failure
from otp_app.stores import purge
from otp_app.stores.sql import SqlStore
from tests.asking import check, open_one, send_again
from tests.races import race

pytestmark = pytest.mark.django_db

DAY = 24 * 3600
KEYS = ("1" * 32, "2" * 32, "3" * 32)


@pytest.fixture
def store(clock):
    return SqlStore()


def key_limit(key, **values):
    return Limit("many", Counts.KEY, 10_000, 3600, key=key, subject="all of them", **values)


def used(store, *limits):
    return [usage.used for usage in store.usage(limits)]


# at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", ["send again", "undo"])
def test_i2_a_check_spent_in_the_middle_of_a_send_stays_spent(store, settings, call):
    settings.OTP_WAITS = ()
    for _ in range(5):
        opened = open_one(store).challenge

        def either(number, opened=opened):
            if number % 2:
                return check(store, opened)
            return send_again(store, opened) if call == "send again" else store.undo_send(opened)

        results = race(either, 8)
        checked = [result for result in results if isinstance(result, Challenge)]
        assert store.get(opened.id).checks_left == 5 - len(checked)


@pytest.mark.django_db(transaction=True)
def test_a_challenge_that_ends_in_the_middle_of_a_send_is_sent_before_or_not_at_all(store, settings):
    settings.OTP_WAITS = ()
    for _ in range(8):
        opened = open_one(store).challenge

        def either(number, opened=opened):
            return send_again(store, opened) if number % 2 else store.close(opened, Status.CANCELED)

        results = race(either, 4)
        sent = [result for result in results if isinstance(result, Grant)]
        assert results.count(True) == 1
        assert all(isinstance(result, bool | Grant | InvalidOrExpiredCode) for result in results)
        assert Delivery.objects.filter(challenge=opened.id).count() == 1 + len(sent)
        ended = store.get(opened.id)
        assert (ended.status, len(ended.sent_at)) == (Status.CANCELED, 1 + len(sent))


@pytest.mark.django_db(transaction=True)
def test_counters_named_in_either_order_wait_for_each_other_in_one(store):
    """Without one order two requests hold a counter each and wait for the other's: PostgreSQL ends one by an error."""

    def take_all(number):
        limits = [key_limit(key) for key in (KEYS if number % 2 else reversed(KEYS))]
        for _ in range(20):
            store.take(RequestLimits(in_lock_order(limits)))
        return True

    assert race(take_all, 12) == [True] * 12
    assert used(store, *map(key_limit, KEYS)) == [240] * 3


@pytest.mark.django_db(transaction=True)
def test_giving_back_in_any_order_and_taking_wait_for_each_other_in_one(store):
    request_limits = RequestLimits(in_lock_order(key_limit(key, shared=int(key == KEYS[0])) for key in KEYS))

    def take_and_give_back(number):
        for _ in range(20):
            increments = store.take(request_limits)
            store.give_back(increments if number % 2 else increments[::-1])
        return True

    assert race(take_and_give_back, 12) == [True] * 12
    assert used(store, *request_limits.limits) == [0] * 3


@pytest.mark.django_db(transaction=True)
def test_a_purge_of_counters_loses_nothing_that_is_taken_meanwhile(store, clock):
    store.take(RequestLimits((key_limit(KEYS[0]),)))
    clock.advance(3 * 3600)

    def either(number):
        return store.purge() if number % 2 else len(store.take(RequestLimits((key_limit(KEYS[0]),))))

    assert race(either, 8) == [1, 0] * 4
    assert used(store, key_limit(KEYS[0])) == [4]


# given back


def test_what_is_given_back_to_a_counter_that_was_lost_is_no_credit(store, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
    opened = open_one(store, client="192.0.2.1").challenge
    Counter.objects.all().delete()
    store.close(opened, Status.APPROVED)
    open_one(store, client="192.0.2.1")
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_what_is_given_back_comes_out_of_the_sub_bucket_that_it_went_into(store, clock):
    limit = key_limit(KEYS[0])
    first = store.take(RequestLimits((limit,)))
    clock.advance(1800)
    second = store.take(RequestLimits((limit,)))
    assert second[0].slot - first[0].slot == 12
    store.give_back(second)
    assert used(store, limit) == [1]
    clock.advance(2000)  # that of the first is over
    assert used(store, limit) == [0]
    store.give_back(first)
    store.take(RequestLimits((limit,)))
    assert used(store, limit) == [1]


# the purge


def test_a_purge_deletes_the_dead_and_spares_what_still_counts(store, clock):
    dead = open_one(store, client="192.0.2.1").challenge
    clock.advance(DAY + 301)
    living = open_one(store).challenge
    assert store.purge() == 1
    assert store.get(dead.id) is None
    assert store.get(living.id) == living
    assert not Counter.objects.filter(expires_at__lt=store.now()).exclude(key=purge._LOCK_KEY).exists()
    assert store.purge() == 0


def test_a_purge_works_in_batches(store, clock, monkeypatch):
    monkeypatch.setattr("otp_app.stores.purge.BATCH_ROWS", 2)
    for _ in range(5):
        open_one(store, client="192.0.2.1")
    clock.advance(2 * DAY)
    assert store.purge() == 5
    assert not ChallengeRow.objects.exists()


def test_of_a_challenge_that_is_purged_its_failures_are_kept_and_after_thirty_days_they_go_too(store, clock):
    guessed, right, unasked, _ = (open_one(store).challenge for _ in range(4))
    for _ in range(3):
        check(store, guessed)
    store.close(check(store, right), Status.APPROVED)
    store.close(unasked, Status.APPROVED)  # as an operator's tool might, without any check
    clock.advance(2 * DAY)
    assert store.purge() == 4
    (kept,) = Failure.objects.all()
    assert (kept.checks, kept.phone.hex) == (3, phone_key(guessed.phone))
    assert str(kept) == str(kept.phone)
    clock.advance(29 * DAY)
    store.purge()
    assert not Failure.objects.exists()


def test_a_counter_that_is_taken_from_again_expires_when_it_did(store):
    """It is indexed: a row whose expiry moved could not be changed in its place."""
    open_one(store, client="192.0.2.1")
    before = dict(Counter.objects.values_list("key", "expires_at"))
    open_one(store, client="192.0.2.1")
    after = dict(Counter.objects.values_list("key", "expires_at"))
    assert all(after[key] - at <= 3_600_000 for key, at in before.items())
    open_one(store, client="192.0.2.1")
    assert sum(at != after[key] for key, at in Counter.objects.values_list("key", "expires_at") if key in after) <= 1
