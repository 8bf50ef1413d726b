"""Counters that no limit counts: a provider's failures, suppressed numbers, the time of the last sweep."""

import pytest
from django.db import transaction

from otp_app import counters
from otp_app.counters import rings
from otp_app.db import clock as clocks
from otp_app.models import Counter
from tests.races import race

pytestmark = pytest.mark.django_db

KEY, OTHER = "1" * 32, "2" * 32
HOUR = 3_600_000


def test_so_many_are_counted_in_so_many_seconds(clock):
    assert [counters.count("default", KEY, 24) for _ in range(3)] == [1, 2, 3]
    assert counters.count("default", OTHER, 24) == 1
    clock.advance(12)
    assert counters.count("default", KEY, 24) == 4
    clock.advance(15)
    assert counters.count("default", KEY, 24) == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_each_is_counted(clock):
    assert sorted(race(lambda _: counters.count("default", KEY, 3600), 12)) == list(range(1, 13))


def test_a_block_is_told_until_when_it_is_and_when_it_was_and_nothing_else_is(clock):
    now = clocks.read_now("default")
    counters.block("default", KEY, now + 1000)
    counters.count("default", OTHER, 60)
    assert counters.blocks("default", [KEY, OTHER, "3" * 32]) == {KEY: now + 1000}
    clock.advance(2)
    assert counters.blocks("default", [KEY]) == {KEY: now + 1000}


def test_a_block_takes_nothing_of_what_was_counted_and_stays_an_hour_longer(clock):
    counters.count("default", KEY, 24)
    until = clocks.read_now("default") + 1000
    counters.block("default", KEY, until)
    kept = Counter.objects.get(key=KEY)
    assert sum(rings.slots(kept, 0).values()) == 1
    assert until + HOUR <= kept.expires_at <= until + 2 * HOUR
    assert str(kept) == str(kept.key)


def test_a_row_expires_at_a_whole_hour_and_not_before_it_may():
    assert [counters.expiry(at) for at in (0, 1, HOUR, HOUR + 1)] == [0, HOUR, HOUR, 2 * HOUR]


def test_the_blocks_that_last_longest_are_told_first_and_no_more_than_are_asked_for(clock):
    now = clocks.read_now("default")
    for number, until in enumerate((now + 3000, now - 1000, now + 1000, now - HOUR)):
        counters.block("default", f"{number:032x}", until)
    blocked = {f"{number:032x}": until for number, until in ((0, now + 3000), (2, now + 1000), (1, now - 1000))}
    assert counters.recent_blocks("default", now - 2000, 9) == blocked
    assert list(counters.recent_blocks("default", now - 2000, 2)) == list(blocked)[:2]


@pytest.mark.django_db(transaction=True)
def test_what_is_changed_and_rolled_back_is_as_it_was(clock):
    counters.count("default", KEY, 60)
    with transaction.atomic():
        counters.block("default", KEY, clocks.read_now("default") + 1000)
        transaction.set_rollback(True)
    assert counters.blocks("default", [KEY]) == {}
    assert counters.count("default", KEY, 60) == 2
