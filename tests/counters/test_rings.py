"""Key counters as rings, against a model that remembers every sub-bucket."""

from types import SimpleNamespace

from hypothesis import example, given
from hypothesis import strategies as st

from otp_app.counters import rings

taken = st.tuples(st.integers(0, 2), st.integers(0, 120), st.integers(0, 4))  # ring, sub-bucket that is now, cost


def counter():
    return SimpleNamespace(newest=[], rings=[], expires_at=0)


def test_a_period_has_24_sub_buckets_and_the_one_that_is_leaving():
    assert rings.width(3600) == 150_000
    assert rings.SIZE == 25


def test_a_cost_is_added_to_the_newest_sub_bucket_which_counts_until_the_newest_is_25_ahead():
    held, width = counter(), rings.width(3600)
    assert rings.count(held, 0, 3600, 100 * width, 2) == (100, [])
    assert rings.count(held, 0, 3600, 101 * width, 5) == (101, [(125 * width, 2)])
    assert rings.slots(held, 0) == {100: 2, 101: 5}
    assert held.expires_at == rings.expiry(126 * width)


@given(st.lists(taken, max_size=40))
def test_each_ring_holds_what_was_taken_in_its_newest_25_sub_buckets(steps):
    held, kept = counter(), {}
    for ring, now, cost in steps:
        newest = rings.advance(held, ring, now)
        rings.add(held, ring, newest, cost)
        slots, before = kept.setdefault(ring, ({}, [0]))
        before[0] = max(before[0], now)
        assert newest == before[0]
        slots[newest] = slots.get(newest, 0) + cost
    for ring in range(4):
        slots, (newest,) = kept.get(ring, ({}, [0]))
        assert rings.slots(held, ring) == {at: n for at, n in slots.items() if n and newest - at <= rings.SUB_BUCKETS}


@example(24, 1, 0)
@example(25, 1, 0)
@given(st.integers(0, 60), st.integers(1, 9), st.integers(-40, 40))
def test_what_is_given_back_where_nothing_is_any_more_is_nothing(now, cost, distance):
    held = counter()
    rings.advance(held, 0, 100)
    rings.add(held, 0, 100, 3)
    rings.advance(held, 0, 100 + now)
    before = rings.slots(held, 0)
    rings.add(held, 0, 100 + distance, -cost)
    left = max(0, 3 - cost) if distance == 0 else 3
    assert rings.slots(held, 0) == ({100: left} if before and left else {})


def test_a_clock_that_goes_back_counts_in_the_sub_bucket_that_is_the_newest():
    held = counter()
    rings.advance(held, 0, 50)
    assert rings.advance(held, 0, 20) == 50
    rings.add(held, 0, 50, 1)
    assert rings.slots(held, 0) == {50: 1}


def test_a_ring_that_was_never_counted_in_is_empty_takes_nothing_back_and_can_be_emptied():
    held = counter()
    rings.advance(held, 1, 7)
    rings.add(held, 1, 7, 2)
    rings.add(held, 2, 7, -1)
    rings.empty(held, 2)
    rings.empty(held, 0)
    assert [rings.slots(held, ring) for ring in range(3)] == [{}, {7: 2}, {}]
    rings.empty(held, 1)
    assert rings.slots(held, 1) == {}
    assert (len(held.newest), len(held.rings)) == (2, 2 * rings.SIZE)
