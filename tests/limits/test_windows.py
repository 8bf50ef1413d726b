"""The arithmetic of windows, against a model that counts one by one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp_app.limits import windows
from otp_app.limits.values import Counts, Limit, Usage

entries = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=12)


@given(entries, st.integers(0, 50), st.integers(1, 12), st.integers(0, 6))
def test_the_wait_is_the_first_instant_at_which_the_cost_fits(held, now, amount, cost):
    def fits(instant):
        return sum(n for until, n in held if until > instant) + cost <= amount

    wait = windows.wait(held, now, amount, cost)
    if cost > amount:
        assert wait > 0
        return
    assert fits(now + wait)
    assert not any(fits(now + earlier) for earlier in range(wait))


def test_a_cost_that_never_fits_waits_an_hour_each_time():
    assert windows.wait([], 0, 3, 5) == windows.wait([(10, 1)], 0, 3, 5) == 3_600_000


@pytest.mark.parametrize("steps", [(), (60,)])
def test_without_sends_or_steps_there_is_no_wait(steps):
    assert windows.phone_usage(Limit("w", Counts.WAITS, 1, 3600, steps=steps), [], [], 0).wait == 0


def test_the_longest_wait_is_named_and_none_where_nobody_waits():
    usages = [Usage(Limit(name, Counts.KEY, 1, 60), 1, wait, 1) for name, wait in (("a", 0), ("b", 7), ("c", 5))]
    assert windows.longest(usages).limit.name == "b"
    assert windows.longest(usages[:1]) is windows.longest([]) is None


@pytest.mark.parametrize(
    ("day", "week", "amount", "steady"),
    [
        (0, 0, 10, 15),
        (0, 27, 10, 15 + 11),  # less than a message for the amount, eleven for a rule of 300 %
        (0, 28, 11, 15 + 12),
        (4, 4, 11, 15 + 1),  # a good day counts at once, for a steady limit as a seventh
        (400, 400, 110, 15 + 171),
        (100, 2800, 110, 15 + 1200),  # a bad day does not shrink an amount
    ],
)
def test_an_amount_grows_with_what_was_answered_on_a_usual_day(day, week, amount, steady):
    history = windows.Answered(day, week)
    grows = Limit("x", Counts.KEY, 10, 60, growth=25)
    assert windows.amount_in_force(grows, history) == amount
    assert windows.amount_in_force(replace(grows, amount=15, growth=300, steady=True), history) == steady
    assert windows.amount_in_force(replace(grows, growth=0), history) == 10


def test_the_last_day_is_the_newest_four_of_a_weeks_sub_buckets():
    slots = {100: 1, 99: 2, 97: 4, 96: 8, 76: 16}
    assert windows.answered(slots, 100) == (7, 31)
    assert windows.answered({}, 100) == (0, 0)


def test_a_usage_holds_the_amount_in_force_and_waits_by_it():
    limit = Limit("x", Counts.KEY, 2, 60, growth=25)
    assert windows.key_counter_usage(limit, [(50, 2)], windows.Answered(0, 0), 10) == Usage(limit, 2, 40, 2)
    assert windows.key_counter_usage(limit, [(50, 2)], windows.Answered(4, 4), 10) == Usage(limit, 2, 0, 3)


@pytest.mark.parametrize(
    ("vouches", "week", "found"),
    [("known", 0, False), ("known", 1, True), ("young", 0, True), ("young", 1, False), ("", 0, False), ("", 1, False)],
)
def test_nobody_is_a_stranger_where_somebody_answered_or_where_the_country_is_young(vouches, week, found):
    assert windows.vouches(Limit("x", Counts.ANSWERED, 1, 60, vouches=vouches), week) is found


@pytest.mark.parametrize(("used", "needed"), [(4, False), (5, True)])
def test_more_than_half_of_the_amount_in_force_looks_wrong(used, needed):
    asking = Limit("x", Counts.KEY, 4, 60, proof=True)
    assert windows.needs_proof(Usage(asking, used, 0, 10)) is needed
    assert not windows.needs_proof(Usage(replace(asking, proof=False), used, 0, 10))
