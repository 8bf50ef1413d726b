"""Test of every store: the waits, sends and comparisons of a phone."""

import pytest

from ....challenges import Status
from ....errors import Limited
from ....models import Delivery
from ..asking import check, open_one, sending
from ..values import new_challenge

HOUR = 3600  # seconds
DAY = 24 * 3600


class PhoneContract:
    """Test the waits, sends and comparisons of a phone."""

    def test_the_wait_grows_with_the_sends_of_the_last_hour(self, store, clock):
        phone = open_one(store).challenge.phone
        for wait in (60, 120, 300):
            with pytest.raises(Limited) as refused:
                open_one(store, phone=phone)
            assert refused.value.limit == "wait_per_phone"
            assert wait - 30 < refused.value.retry_after <= wait
            clock.advance(wait)
            open_one(store, phone=phone)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=phone)
        assert 570 < refused.value.retry_after <= 600

    def test_a_refused_send_does_not_prolong_the_wait_and_leaves_nothing(self, store, clock):
        opened = open_one(store, client="192.0.2.1").challenge
        phone, limits = opened.phone, sending(opened, "192.0.2.1").limits
        used = [usage.used for usage in store.usage(limits, phone=phone)]
        assert set(used) == {0, 1, 5}
        clock.advance(30)
        for _ in range(3):
            with pytest.raises(Limited):
                open_one(store, client="192.0.2.1", phone=phone)
        assert [usage.used for usage in store.usage(limits, phone=phone) if usage.limit.period > 60] == [
            n for n, limit in zip(used, limits, strict=True) if limit.period > 60
        ]
        assert Delivery.objects.count() == 1
        clock.advance(30)
        open_one(store, client="192.0.2.1", phone=phone)

    def test_a_success_resets_the_wait(self, store, clock):
        opened = open_one(store).challenge
        check(store, opened)
        assert store.close(opened, Status.APPROVED)
        clock.advance(1)
        assert open_one(store, phone=opened.phone).resend_in == 60

    def test_five_sends_an_hour_and_ten_a_day_reach_a_phone(self, store, clock, settings):
        settings.OTP_WAITS = ()
        phone = new_challenge().phone
        times = []
        for minute in range(0, 26 * 60, 4):
            try:
                open_one(store, phone=phone)
                times.append(minute)
            except Limited:
                pass
            clock.advance(240)
        assert max(sum(at <= other < at + 60 for other in times) for at in times) == 5
        assert max(sum(at <= other < at + 1440 for other in times) for at in times) == 10

    def test_the_answer_to_a_full_day_names_when_the_oldest_send_leaves_it(self, store, clock, settings):
        settings.OTP_WAITS = ()
        phone = open_one(store).challenge.phone
        for _ in range(9):
            clock.advance(HOUR)
            open_one(store, phone=phone)
        clock.advance(HOUR)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=phone)
        assert refused.value.limit == "sends_per_phone_day"
        assert DAY - 10 * HOUR - 60 <= refused.value.retry_after <= DAY - 10 * HOUR

    def test_open_challenges_reserve_their_checks_and_an_expiry_gives_the_unused_back(self, store, clock, settings):
        settings.OTP_WAITS = ()
        settings.OTP_SENDS_PER_PHONE_HOUR = 100
        phone = new_challenge().phone
        for _ in range(4):
            open_one(store, phone=phone)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=phone)
        assert refused.value.limit == "failures_per_phone_day"
        assert 280 <= refused.value.retry_after <= 310  # and ten seconds for a check of the last instant
        clock.advance(refused.value.retry_after)
        open_one(store, phone=phone)

    def test_twenty_failures_close_a_phone_for_a_day_whatever_the_resends(self, store, clock, settings):
        settings.OTP_WAITS = ()
        phone = new_challenge().phone
        for _ in range(4):
            opened = open_one(store, phone=phone).challenge
            while check(store, opened):
                pass
            clock.advance(20 * 60)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=phone)
        assert refused.value.limit == "failures_per_phone_day"
        clock.advance(refused.value.retry_after)
        open_one(store, phone=phone)

    @pytest.mark.parametrize("purge", [False, True])
    def test_a_hundred_failures_in_thirty_days_close_a_phone_though_its_challenges_are_purged(
        self, store, clock, purge
    ):
        phone = new_challenge().phone
        compared = 0
        for _ in range(30):
            for _ in range(4):
                try:
                    opened = open_one(store, phone=phone).challenge
                except Limited as refused:
                    reason = refused.limit
                    continue
                while check(store, opened):
                    compared += 1
                clock.advance(3 * HOUR)
            clock.advance(12 * HOUR)
            if purge:
                store.purge()
        assert compared == 100
        assert reason == "failures_per_phone_month"

    def test_a_right_code_is_no_failure(self, store, clock, settings):
        settings.OTP_FAILURES_PER_PHONE_DAY = 5
        opened = open_one(store).challenge
        check(store, opened)
        store.close(opened, Status.APPROVED)
        open_one(store, phone=opened.phone)  # needs all five
