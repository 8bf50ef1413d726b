"""Test of every store: proofs of work, known devices, and limits without a challenge."""

from dataclasses import replace

import pytest

from ....challenges import Status
from ....errors import InvalidOrExpiredCode, Limited, ProofRequired
from ....limits import request_limits
from ....limits.values import Counts, RequestLimits
from ....models import Delivery
from ..asking import check, open_one, send_again, sending
from ..values import new_challenge, new_phone
from .buckets import strange

ONE, TWO = "1" * 32, "2" * 32


class DeviceContract:
    """Test proofs of work, known devices, and limits without a challenge."""

    def test_a_limit_of_nothing_lets_nothing_through_from_the_first_on(self, store, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 0
        with pytest.raises(Limited) as refused:
            open_one(store, client="192.0.2.1")
        assert refused.value.limit == "unconverted_per_subnet_day"
        assert not Delivery.objects.exists()

    @pytest.fixture
    def wary(self, settings):
        settings.OTP_PROOFS = True
        return settings

    def test_beyond_half_of_a_network_a_proof_is_needed_and_nothing_is_taken_without(self, store, wary):
        wary.OTP_UNCONVERTED_PER_NETWORK_DAY = 4
        for _ in range(2):
            open_one(store, client="192.0.2.1")
        asked = new_challenge()
        for _ in range(3):
            with pytest.raises(ProofRequired) as refused:
                store.open(asked, sending(asked, "192.0.2.1"))
        assert (refused.value.limit, refused.value.subject) == ("unconverted_per_network_day", "network 192.0.0.0/16")
        assert store.get(asked.id) is None
        store.open(asked, sending(asked, "192.0.2.1", proof="one"))
        store.open(other := new_challenge(), sending(other, "192.0.2.1", proof="two"))
        with pytest.raises(Limited):
            store.open(last := new_challenge(), sending(last, "192.0.2.1", proof="three"))
        store.open(last, sending(last, "198.51.100.9", proof="three"))  # a refusal has not used it up

    def test_beyond_half_of_the_strangers_pot_a_proof_is_needed_of_strangers_only(self, store, wary):
        strange(wary)
        open_one(store, client="1.0.2.1")
        with pytest.raises(ProofRequired) as refused:
            open_one(store, client="2.0.2.1")
        assert refused.value.limit == "unconverted_of_strangers_day"
        open_one(store, client="203.0.113.7")

    def test_a_proof_is_good_for_one_send_until_it_would_have_expired_anyway(self, store, wary, clock):
        wary.OTP_UNCONVERTED_PER_NETWORK_DAY = 4
        for _ in range(2):
            open_one(store, client="192.0.2.1")
        store.open(first := new_challenge(), sending(first, "192.0.2.1", proof="one"))
        for _ in range(4):
            with pytest.raises(ProofRequired):
                store.open(other := new_challenge(), sending(other, "192.0.2.1", proof="one"))
            clock.advance(290)
        assert store.get(other.id) is None

    def test_devices_have_sends_and_checks_that_strangers_cannot_spend(self, store, clock, settings):
        settings.OTP_WAITS = ()
        phone = new_phone()
        for _ in range(4):
            opened = open_one(store, phone=phone).challenge
            while check(store, opened):
                pass
            clock.advance(20 * 60)
        with pytest.raises(Limited):
            open_one(store, phone=phone)
        opened = open_one(store, phone=phone, device=ONE, phone_checks_left=5).challenge
        assert check(store, opened, by_id=False) is None  # a stranger's, who names only the phone
        found = store.spend_check(phone, "login", None, RequestLimits(), device=ONE)
        assert found.id == opened.id

    def test_all_devices_of_a_phone_together_have_five_sends_and_ten_failures_a_day(self, store, clock, settings):
        settings.OTP_WAITS = ()
        phone, sent, compared, refusals = new_phone(), 0, 0, set()
        for n in range(40):
            try:
                opened = open_one(store, phone=phone, device=[ONE, TWO][n % 2]).challenge
                sent += 1
                while check(store, opened):
                    compared += 1
            except Limited as refused:
                refusals.add(refused.limit)
            clock.advance(30 * 60)
        assert (sent, compared, refusals) == (2, 10, {"failures_of_devices_day"})
        assert open_one(store, phone=phone).resend_in == 0  # strangers' are untouched

    def test_a_sixth_send_of_devices_is_refused(self, store, clock, settings):
        settings.OTP_WAITS = ()
        phone = new_phone()
        for _ in range(5):
            opened = open_one(store, phone=phone, device=ONE).challenge
            assert store.close(opened, Status.APPROVED)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=phone, device=TWO)
        assert refused.value.limit == "sends_of_devices_day"

    def test_a_device_asks_for_its_own_challenge_first_and_for_strangers_else(self, store, clock):
        opened = open_one(store).challenge
        assert store.spend_check(opened.phone, "login", None, RequestLimits(), device=ONE).id == opened.id
        own = open_one(store, phone=opened.phone, device=ONE).challenge
        clock.advance(60)
        newer = open_one(store, phone=opened.phone).challenge
        assert store.spend_check(opened.phone, "login", None, RequestLimits(), device=ONE).id == own.id
        assert store.spend_check(opened.phone, "login", None, RequestLimits(), device=TWO).id == newer.id

    def test_only_the_device_that_opened_a_challenge_has_it_sent_again(self, store, clock):
        own = open_one(store, device=ONE).challenge
        clock.advance(60)
        for device in ("", TWO):
            with pytest.raises(InvalidOrExpiredCode):
                send_again(store, replace(own, device=device))
        assert send_again(store, own).challenge.device == ONE

    def test_a_success_of_a_device_closes_strangers_challenges_and_resets_its_own_wait_only(self, store, clock):
        opened = open_one(store).challenge
        own = open_one(store, phone=opened.phone, device=ONE).challenge
        assert store.close(own, Status.APPROVED)
        assert store.get(opened.id).status is Status.CANCELED
        clock.advance(1)
        open_one(store, phone=opened.phone, device=ONE)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=opened.phone)
        assert refused.value.limit == "wait_per_phone"

    def test_what_a_clock_that_was_ahead_has_counted_stays_counted(self, store, clock, settings):
        settings.OTP_PASSWORDS_PER_ACCOUNT_HOUR = 2
        limits = request_limits.for_password("192.0.2.1", "somebody")
        clock.advance(1800)
        store.take(limits)
        clock.advance(-1800)  # another server answers, or it was set right
        store.take(limits)
        with pytest.raises(Limited) as refused:
            store.take(limits)
        assert refused.value.limit == "passwords_per_account_hour"

    def test_passwords_are_taken_and_given_back(self, store, settings):
        settings.OTP_PASSWORDS_PER_ACCOUNT_HOUR = 2
        limits = request_limits.for_password("192.0.2.1", "somebody")
        store.take(limits)
        increments = store.take(limits)
        with pytest.raises(Limited) as refused:
            store.take(limits)
        assert refused.value.limit == "passwords_per_account_hour"
        store.give_back(increments)
        store.take(limits)
        store.take(request_limits.for_password("192.0.2.1", "somebody else"))

    def test_usage_tells_what_is_used_and_for_how_long(self, store, clock):
        opened = open_one(store, client="192.0.2.1").challenge
        clock.advance(10)
        told = {item.limit.name: item for item in store.usage(sending(opened, "192.0.2.1").limits, phone=opened.phone)}
        assert 20_000 <= told["wait_per_phone"].wait <= 50_000
        assert (told["sends_per_phone_day"].used, told["sends_per_phone_day"].wait) == (1, 0)
        assert told["failures_per_phone_day"].used == told["failures_per_phone_month"].used == 5
        assert told["unconverted_per_subnet_day"].used == 1
        assert told["unconverted_per_subnet_day"].amount == 1000
        assert {item.limit.counts for item in told.values()} == set(Counts)
        assert {item.used for item in store.usage(sending(opened).limits[:3], phone=opened.phone, device=True)} == {0}

    def test_the_time_is_the_stores(self, store, clock):
        before = store.now()
        clock.advance(1000)
        assert 1_000_000 <= store.now() - before < 1_060_000

    def test_what_a_wrong_code_costs_is_remembered_without_harm(self, store):
        opened = check(store, open_one(store).challenge)
        store.fail(opened)
        assert store.get(opened.id).checks_left == 4
