"""The arithmetic of windows, against a model that counts one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp_app.challenges import Counts, Limit
from otp_app.stores import windows

holds = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=12)


@given(holds, st.integers(0, 50), st.integers(1, 12), st.integers(0, 6))
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


def test_a_slot_counts_until_the_newest_is_more_than_a_span_ahead():
    width = windows.slot_width(3600)
    assert width == 150_000
    assert windows.slot_holds({"100": 2}, windows.SUB_BUCKETS, width) == [(125 * width, 2)]


def test_without_limits_nothing_refuses():
    assert windows.refusal([], [], {}, 0, 5) is None


def test_crowds_are_not_the_phones_business():
    assert windows.refusal([Limit("x", Counts.CROWD, 1, 60, key="0" * 32)], [], {}, 0, 5) is None


@pytest.mark.parametrize("steps", [(), (60,)])
def test_without_sends_or_steps_there_is_no_wait(steps):
    assert windows.refusal([Limit("w", Counts.WAITS, 1, 3600, steps=steps)], [], {}, 0, 5) is None
