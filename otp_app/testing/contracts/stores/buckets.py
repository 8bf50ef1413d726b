"""Test of every store: the amounts of prefixes, networks, countries and all."""

from decimal import Decimal

import pytest

from ....challenges import Status
from ....errors import Limited
from ....models import Delivery
from ..asking import open_one, send_again, sending
from ..values import new_challenge

HOUR = 3600  # seconds
DAY = 24 * 3600


def used_of(store, challenge, name, client=None):
    (limit,) = [limit for limit in sending(challenge, client).limits if limit.name == name]
    (usage,) = store.usage([limit])
    return usage.used


def strange(settings):
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 2
    settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]  # so that the service is not too young for strangers


class BucketContract:
    """Test the amounts of prefixes, networks, countries and all."""

    def test_a_prefix_has_so_many_unanswered_messages_a_day(self, store, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 4
        numbers = [f"+99890123{n:04d}" for n in range(6)]
        opened = [open_one(store, phone=number).challenge for number in numbers[:4]]
        with pytest.raises(Limited) as refused:
            open_one(store, phone=numbers[4])
        assert (refused.value.limit, refused.value.subject) == ("unconverted_per_prefix_day", "prefix +99890123")
        assert store.close(opened[0], Status.APPROVED)
        assert used_of(store, opened[1], "unconverted_per_prefix_day") == 3
        open_one(store, phone=numbers[5])

    def test_a_quarter_of_what_was_answered_of_a_day_is_added_to_the_floor(self, store, clock, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 2
        for _ in range(8):
            opened = open_one(store, client="192.0.2.1").challenge
            assert store.close(opened, Status.APPROVED)
        for _ in range(4):
            open_one(store, client="192.0.2.2")
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.2")
        clock.advance(3 * DAY)  # no longer of the last day, and eight of a week are one of its usual day
        for _ in range(2):
            open_one(store, client="192.0.2.2")
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.2")

    def test_a_quarter_of_the_average_day_is_added_after_a_bad_day(self, store, clock, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
        for _ in range(28):
            assert store.close(open_one(store, client="192.0.2.1").challenge, Status.APPROVED)
        clock.advance(2 * DAY)
        for _ in range(2):
            open_one(store, client="192.0.2.1")
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1")
        clock.advance(6 * DAY)  # more than a week
        open_one(store, client="192.0.2.1")
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1")

    def test_a_prefix_that_answers_everything_grows_by_its_average_day_only(self, store, clock, settings):
        settings.OTP_SENDS_PER_PREFIX_DAY = 7
        numbers = (f"+99890123{n:04d}" for n in range(30))
        for _ in range(10):  # after seven answers three are added, after ten four
            assert store.close(open_one(store, phone=next(numbers)).challenge, Status.APPROVED)
        opened = open_one(store, phone=next(numbers)).challenge
        with pytest.raises(Limited) as refused:
            open_one(store, phone=next(numbers))
        assert refused.value.limit == "sends_per_prefix_day"
        assert used_of(store, opened, "answered_in_prefix") == 10

    def test_an_answered_message_counts_once_for_each_send_and_an_undone_one_never(self, store, clock):
        opened = open_one(store, client="192.0.2.1").challenge
        clock.advance(60)
        opened = send_again(store, opened, client="192.0.2.1").challenge
        undone = open_one(store, client="192.0.2.1").challenge
        store.undo_send(undone)
        assert used_of(store, opened, "answered_in_subnet", "192.0.2.1") == 0
        assert store.close(opened, Status.APPROVED)
        for name in ("answered_in_subnet", "answered_in_network", "answered_in_region"):
            assert used_of(store, opened, name, "192.0.2.1") == 2

    def test_networks_where_nobody_has_signed_in_share_one_pot(self, store, settings):
        strange(settings)
        for n in range(2):
            opened = open_one(store, client=f"{n + 1}.0.2.1").challenge
        with pytest.raises(Limited) as refused:
            open_one(store, client="3.0.2.1")
        assert (refused.value.limit, refused.value.subject) == ("unconverted_of_strangers_day", "strangers")
        with pytest.raises(Limited):
            open_one(store, client="3.0.2.1", phone="+77011230001")  # the pot is that of all countries
        open_one(store, client="203.0.113.7")  # at home
        open_one(store)  # from the project's own code
        assert store.close(opened, Status.APPROVED)
        for _ in range(3):
            open_one(store, client="2.0.9.1")  # of the same /16 as the message that was answered
        open_one(store, client="3.0.2.1")
        with pytest.raises(Limited):
            open_one(store, client="4.0.2.1")

    def test_a_network_is_known_for_a_week(self, store, clock, settings):
        strange(settings)
        settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
        assert store.close(open_one(store, client="1.0.2.1").challenge, Status.APPROVED)
        open_one(store, client="9.0.2.1")
        clock.advance(6 * DAY)
        open_one(store, client="9.0.2.1")
        open_one(store, client="1.0.2.1")
        clock.advance(2 * DAY)
        open_one(store, client="9.0.2.1")
        with pytest.raises(Limited):
            open_one(store, client="1.0.2.1")

    def test_where_few_have_signed_in_yet_nobody_is_a_stranger_in_a_home_country(self, store, settings):
        settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
        for n in range(3):
            open_one(store, client=f"{n + 1}.0.2.1")
        open_one(store, client="5.0.2.1", phone="+77011230001")
        with pytest.raises(Limited):
            open_one(store, client="6.0.2.1", phone="+77021230001")
        for _ in range(100):
            assert store.close(open_one(store, client="9.0.2.1").challenge, Status.APPROVED)
        with pytest.raises(Limited) as refused:
            open_one(store, client="2.0.2.1")
        assert refused.value.limit == "unconverted_of_strangers_day"

    def test_an_answered_message_keeps_its_buckets_counter_for_a_week_and_another_for_a_day(self, store, clock):
        answered, other = (open_one(store, phone=phone).challenge for phone in ("+998901230001", "+998911230001"))
        assert store.close(answered, Status.APPROVED)
        clock.advance(3 * DAY)
        store.purge()
        assert used_of(store, answered, "answered_in_prefix") == 1
        clock.advance(5 * DAY)
        assert used_of(store, answered, "answered_in_prefix") == 0
        assert used_of(store, other, "answered_in_prefix") == 0

    def test_a_ceiling_in_money_is_never_passed_whoever_asks(self, store, settings):
        settings.OTP_BUDGET_PER_DAY = 1
        for device in ("", "a device"):
            challenge = new_challenge(device=device)
            store.open(challenge, sending(challenge, price=Decimal("0.3")))
        third = new_challenge()
        assert store.close(store.open(third, sending(third, price=Decimal("0.3"))).challenge, Status.APPROVED)
        with pytest.raises(Limited) as refused:
            store.open(more := new_challenge(), sending(more, price=Decimal("0.1001")))
        assert refused.value.limit == "budget_per_day"
        store.undo_send(store.open(more, sending(more, price=Decimal("0.1"))).challenge)
        store.open(more := new_challenge(), sending(more, price=Decimal("0.1")))

    @pytest.mark.parametrize(
        ("setting", "limit"),
        [
            ("SENDS_PER_PREFIX_DAY", "sends_per_prefix_day"),
            ("UNCONVERTED_PER_REGION_DAY", "unconverted_per_region_day"),
        ],
    )
    def test_a_cap_of_a_day_holds_in_every_window_of_a_day(self, store, clock, settings, setting, limit):
        setattr(settings, f"OTP_{setting}", 5)
        times, refusals = [], set()
        for minute in range(0, 50 * 60, 20):
            try:
                open_one(store, phone=f"+99890123{minute:04d}")
                times.append(minute)
            except Limited as refused:
                refusals.add(refused.limit)
            clock.advance(1200)
        assert refusals == {limit}
        assert max(sum(at <= other < at + 1440 for other in times) for at in times) == 5
        assert len(times) >= 10

    def test_all_or_nothing_a_send_that_the_last_limit_refuses_has_taken_nothing_of_the_others(self, store, settings):
        settings.OTP_UNCONVERTED_PER_REGION_DAY = 1
        open_one(store, client="192.0.2.1")
        refused = new_challenge()
        limits = sending(refused, "192.0.2.1").limits
        before = [usage.used for usage in store.usage(limits, phone=refused.phone)]
        with pytest.raises(Limited) as error:
            store.open(refused, sending(refused, "192.0.2.1"))
        assert error.value.limit == "unconverted_per_region_day"
        assert [usage.used for usage in store.usage(limits, phone=refused.phone)] == before
        assert store.get(refused.id) is None
        assert Delivery.objects.count() == 1

    def test_the_longest_wait_of_all_is_the_one_that_is_named(self, store, clock, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 2
        phone = open_one(store, client="192.0.2.1").challenge.phone
        clock.advance(120)
        open_one(store, client="192.0.2.1", phone=phone)
        with pytest.raises(Limited) as refused:  # the phone waits 120 s, the network a day
            open_one(store, client="192.0.2.1", phone=phone)
        assert refused.value.limit == "unconverted_per_subnet_day"
        assert DAY - 180 <= refused.value.retry_after <= DAY + HOUR

    def test_an_ipv6_subnet_is_a_48_and_a_network_a_32(self, store, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 2
        settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 3
        for n in range(2):
            open_one(store, client=f"2001:db8:1:{n}::/64")
        with pytest.raises(Limited) as refused:
            open_one(store, client="2001:db8:1:6::/64")
        assert refused.value.subject == "subnet 2001:db8:1::/48"
        open_one(store, client="2001:db8:2::/64")
        with pytest.raises(Limited) as refused:
            open_one(store, client="2001:db8:3::/64")
        assert refused.value.subject == "network 2001:db8::/32"
        open_one(store, client="2001:db9:3::/64")
