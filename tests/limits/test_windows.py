"""The arithmetic of windows, against a model that counts one by one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp_app.counters import rings
from otp_app.limits import windows
from otp_app.limits.values import Conversion, Counts, Limit, Usage

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
    usages = [Usage(Limit(name, Counts.KEY, 1, 60), 1, wait) for name, wait in (("a", 0), ("b", 7), ("c", 5))]
    assert windows.longest(usages).limit.name == "b"
    assert windows.longest(usages[:1]) is windows.longest([]) is None


def test_a_block_that_outlasts_the_window_is_the_wait():
    limit = Limit("x", Counts.KEY, 1, 3600, key="0" * 32)
    width = rings.width(3600)
    usage = windows.key_counter_usage(limit, [(125 * width, 1)], 200 * width, 100 * width)
    assert (usage.used, usage.wait, usage.blocked_until) == (1, 100 * width, 200 * width)
    usage = windows.key_counter_usage(limit, [(125 * width, 1)], 100 * width, 100 * width)
    assert (usage.wait, usage.blocked_until) == (25 * width, 0)


@pytest.mark.parametrize(("used", "needed"), [(5, False), (6, True)])
def test_more_than_half_of_an_allowance_looks_wrong(used, needed):
    assert windows.needs_proof(Limit("x", Counts.KEY, 10, 60, proof=True), used) is needed
    assert not windows.needs_proof(Limit("x", Counts.KEY, 10, 60), used)


@pytest.mark.parametrize(
    ("sends", "unconverted", "fresh", "verdict"),
    [
        (49, 49, 0, ""),  # too few to judge
        (50, 38, 0, "proof"),  # 24 %
        (50, 37, 0, ""),  # 26 %
        (50, 46, 0, "block"),  # 8 %
        (50, 45, 0, "proof"),  # 10 %
        (99, 99, 50, "proof"),  # of those that had their time there are 49
        (100, 100, 50, "block"),
        (0, 0, 0, ""),
    ],
)
def test_a_region_is_judged_by_its_conversion(sends, unconverted, fresh, verdict):
    conversion = Conversion("a", 0, 1, 2, "region KZ", least=50, proof=25, block=10, blocks=60)
    assert windows.judge(conversion, sends, unconverted, fresh) == verdict
    home = replace(conversion, block=0)
    assert windows.judge(home, sends, unconverted, fresh) == ("proof" if verdict == "block" else verdict)
