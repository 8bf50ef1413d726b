"""Test of every store: the amounts of a client, and comparisons."""

import pytest

from ....challenges import Status, random_id
from ....errors import Limited
from ....limits.values import RequestLimits
from ..asking import check, open_one, send_again
from ..values import new_challenge

HOUR = 3600  # seconds
DAY = 24 * 3600


class CheckContract:
    """Test the amounts of a client, and comparisons."""

    def test_a_network_has_so_many_unanswered_messages_a_day(self, store, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 3
        for n in range(3):
            open_one(store, client=f"192.0.2.{n}")
        with pytest.raises(Limited) as refused:
            open_one(store, client="192.0.2.7")
        assert (refused.value.limit, refused.value.subject) == ("unconverted_per_subnet_day", "subnet 192.0.2.0/24")
        assert DAY - HOUR <= refused.value.retry_after <= DAY + HOUR
        open_one(store, client="192.0.3.7")

    def test_a_success_gives_an_unanswered_message_back_where_it_was_taken(self, store, clock, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
        opened = open_one(store, client="192.0.2.1").challenge
        clock.advance(290)  # perhaps another sub-bucket than the one of the send
        check(store, opened, client="198.51.100.9")  # and another network
        store.close(store.get(opened.id), Status.APPROVED)
        opened = open_one(store, client="192.0.2.1").challenge
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1")

    def test_a_success_gives_back_every_send_of_its_challenge_and_no_other(self, store, clock, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 4
        opened = open_one(store, client="192.0.2.1").challenge
        open_one(store, client="192.0.2.1")
        clock.advance(60)
        opened = send_again(store, opened, client="192.0.2.1").challenge
        check(store, opened)
        store.close(opened, Status.APPROVED)
        for _ in range(3):
            open_one(store, client="192.0.2.1")
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1")

    def test_an_approval_without_a_check_is_no_credit(self, store, settings):
        settings.OTP_WAITS = ()
        settings.OTP_FAILURES_PER_PHONE_DAY = 6
        opened = open_one(store).challenge
        assert store.close(opened, Status.APPROVED)
        again = open_one(store, phone=opened.phone).challenge
        for _ in range(2):
            check(store, again)
        store.close(again, Status.CANCELED)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=opened.phone)
        assert refused.value.limit == "failures_per_phone_day"

    def test_no_window_of_a_network_ever_holds_more_than_the_amount(self, store, clock, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 6
        times = []
        for minute in range(0, 3 * 24 * 60, 39):
            try:
                open_one(store, client="192.0.2.1")
                times.append(minute)
            except Limited:
                pass
            clock.advance(39 * 60)
        assert max(sum(at <= other < at + 24 * 60 for other in times) for at in times) <= 6
        assert len(times) >= 17  # three days less the sub-bucket that counts whole

    def test_a_client_has_so_many_checks_and_a_refused_one_spends_nothing(self, store, settings):
        settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
        opened = open_one(store).challenge
        check(store, opened, client="192.0.2.1")
        with pytest.raises(Limited) as refused:
            check(store, opened, client="192.0.2.1")
        assert refused.value.limit == "checks_per_client_hour"
        assert store.get(opened.id).checks_left == 4

    def test_a_right_code_gives_its_check_back_to_the_client_and_no_other(self, store, settings):
        settings.OTP_CHECKS_PER_CLIENT_HOUR = 2
        for _ in range(4):
            opened = open_one(store).challenge
            assert store.close(check(store, opened, client="192.0.2.1"), Status.APPROVED)
        opened = open_one(store).challenge
        check(store, opened, client="192.0.2.1")  # fails
        assert store.close(check(store, opened, client="192.0.2.1"), Status.APPROVED)
        check(store, open_one(store).challenge, client="192.0.2.1")
        with pytest.raises(Limited):
            check(store, open_one(store).challenge, client="192.0.2.1")

    def test_five_checks_and_no_more(self, store):
        opened = open_one(store).challenge
        left = [check(store, opened).checks_left for _ in range(5)]
        assert left == [4, 3, 2, 1, 0]
        assert check(store, opened) is None

    def test_the_phone_alone_has_three_of_the_five_and_the_id_the_rest(self, store):
        opened = open_one(store).challenge
        assert [bool(check(store, opened, by_id=False)) for _ in range(4)] == [True, True, True, False]
        assert [bool(check(store, opened)) for _ in range(3)] == [True, True, False]

    def test_the_phone_alone_means_its_newest_open_challenge(self, store, clock):
        older = open_one(store).challenge
        clock.advance(60)
        newer = open_one(store, phone=older.phone).challenge
        assert check(store, older, by_id=False).id == newer.id
        store.close(newer, Status.CANCELED)
        assert check(store, older, by_id=False).id == older.id

    def test_an_exhausted_newest_challenge_does_not_lead_to_an_older_one(self, store, clock):
        older = open_one(store).challenge
        clock.advance(60)
        newer = open_one(store, phone=older.phone).challenge
        while check(store, newer):
            pass
        assert check(store, older, by_id=False) is None

    def test_an_expired_challenge_takes_no_check(self, store, clock):
        opened = open_one(store).challenge
        clock.advance(300)
        assert check(store, opened) is None
        assert check(store, opened, by_id=False) is None

    @pytest.mark.parametrize("changed", [{"phone": "+998900000000"}, {"purpose": "change_phone"}, {"id": random_id()}])
    def test_a_check_needs_the_challenge_of_this_phone_and_purpose(self, store, changed):
        opened = open_one(store).challenge
        values = {"phone": opened.phone, "purpose": "login", "id": opened.id} | changed
        assert store.spend_check(values["phone"], values["purpose"], values["id"], RequestLimits()) is None
        assert store.get(opened.id).checks_left == 5

    def test_a_check_without_a_challenge_costs_the_client_nothing(self, store, settings):
        settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
        for _ in range(3):
            assert check(store, new_challenge(), client="192.0.2.1") is None
        assert check(store, open_one(store).challenge, client="192.0.2.1")
