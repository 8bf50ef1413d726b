"""Test of every store: later sends of a challenge, and more time for it."""

from dataclasses import replace

import pytest
from django.db import transaction

from ....challenges import Status, random_id
from ....errors import InsideTransaction, InvalidOrExpiredCode, Limited
from ....limits import request_limits
from ....models import Delivery
from ..asking import check, open_one, send_again
from ..values import new_challenge

HOUR = 3600  # seconds


class SendContract:
    """Test later sends of a challenge, and more time for it."""

    def test_a_second_send_keeps_the_challenge_its_nonce_and_its_end(self, store, clock):
        opened = open_one(store).challenge
        clock.advance(60)
        grant = send_again(store, opened)
        again = grant.challenge
        assert (again.nonce, again.expires_at, again.checks_left) == (opened.nonce, opened.expires_at, 5)
        assert (again.sends_left, again.language) == (1, "uz")
        assert 210 <= grant.expires_in <= 240
        assert grant.resend_in == 120
        assert store.get(opened.id) == again
        assert Delivery.objects.filter(challenge=opened.id).count() == 2

    def test_a_second_send_may_go_by_another_channel_and_without_one_keeps_the_last(self, store, clock, settings):
        settings.OTP_WAITS = ()
        opened = open_one(store).challenge

        def again(channel):
            how = {"device": "", "language": "en", "channel": channel}
            taken = request_limits.for_send(opened.phone, None)
            return store.spend_send(opened.phone, "login", opened.id, taken, **how).challenge

        assert again("telegram").channel == store.get(opened.id).channel == "telegram"
        clock.advance(1)
        assert again("").channel == store.get(opened.id).channel == "telegram"
        queued = Delivery.objects.filter(challenge=opened.id).order_by("sent_at")
        assert list(queued.values_list("channel", flat=True)) == ["sms", "telegram", "telegram"]

    def test_a_challenge_has_three_sends(self, store, clock, settings):
        settings.OTP_WAITS = ()
        opened = open_one(store).challenge
        send_again(store, opened)
        send_again(store, opened)
        with pytest.raises(InvalidOrExpiredCode):
            send_again(store, opened)

    def test_a_second_send_takes_the_limits_of_the_phone(self, store):
        opened = open_one(store).challenge
        with pytest.raises(Limited) as refused:
            send_again(store, opened)
        assert refused.value.limit == "wait_per_phone"
        assert store.get(opened.id).sends_left == 2

    @pytest.mark.parametrize("end", ["approved", "canceled", "expired", "exhausted", "another's", "unknown"])
    def test_what_is_not_open_is_not_sent_again_and_nothing_is_taken(self, store, clock, settings, end):
        settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
        opened = open_one(store).challenge
        clock.advance(60)
        asked = opened
        if end == "approved":
            store.close(opened, Status.APPROVED)
        elif end == "canceled":
            store.close(opened, Status.CANCELED)
        elif end == "expired":
            clock.advance(240)
        elif end == "exhausted":
            while check(store, opened):
                pass
        else:
            asked = new_challenge(id=opened.id) if end == "another's" else new_challenge()
        with pytest.raises(InvalidOrExpiredCode):
            send_again(store, asked, client="192.0.2.1")
        assert Delivery.objects.filter(challenge=opened.id).count() == 1
        open_one(store, client="192.0.2.1")

    def test_an_open_challenge_lives_as_long_as_asked_from_its_beginning(self, store, clock):
        opened = open_one(store).challenge
        clock.advance(250)
        assert store.extend(opened.id, 600)
        clock.advance(300)
        assert check(store, opened).checks_left == 4
        clock.advance(50)
        assert check(store, opened) is None

    def test_it_is_extended_once_and_never_shortened(self, store):
        opened = open_one(store).challenge
        assert not store.extend(opened.id, 300)
        assert not store.extend(opened.id, 200)
        assert store.get(opened.id).ttl == 300
        assert store.extend(opened.id, 600)
        assert not store.extend(opened.id, 600)
        assert store.get(opened.id).ttl == 600

    def test_more_time_brings_no_check_no_send_and_no_other_code(self, store, clock):
        opened = open_one(store).challenge
        check(store, opened)
        clock.advance(60)
        before = send_again(store, opened).challenge
        assert store.extend(opened.id, 600)
        assert store.get(opened.id) == replace(before, ttl=600)
        assert store.get(opened.id).nonce == opened.nonce
        assert Delivery.objects.filter(challenge=opened.id).count() == 2

    @pytest.mark.parametrize("end", ["approved", "canceled", "expired", "exhausted", "unknown"])
    def test_what_is_open_no_more_gets_no_more_time(self, store, clock, end):
        opened = open_one(store).challenge
        if end in ("approved", "canceled"):
            assert store.close(opened, Status(end))
        while end == "exhausted" and check(store, opened):
            pass
        if end == "expired":
            clock.advance(300)
        before = store.get(opened.id)
        assert not store.extend(random_id() if end == "unknown" else opened.id, 600)
        assert store.get(opened.id) == before

    def test_while_it_is_extended_it_holds_its_part_of_the_phones_budget(self, store, clock, settings):
        settings.OTP_WAITS = ()
        settings.OTP_FAILURES_PER_PHONE_DAY = 5
        opened = open_one(store).challenge
        assert store.extend(opened.id, 600)
        clock.advance(400)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=opened.phone)
        assert refused.value.limit == "failures_per_phone_day"
        assert 180 <= refused.value.retry_after <= 210  # and ten seconds for a check of the last instant
        clock.advance(refused.value.retry_after)
        open_one(store, phone=opened.phone)

    def test_a_check_of_the_time_that_was_added_costs_the_phone_as_any_other(self, store, clock, settings):
        settings.OTP_WAITS = ()
        settings.OTP_FAILURES_PER_PHONE_DAY = 5
        opened = open_one(store).challenge
        assert store.extend(opened.id, 600)
        clock.advance(500)
        assert check(store, opened)
        clock.advance(500)
        with pytest.raises(Limited) as refused:
            open_one(store, phone=opened.phone)
        assert refused.value.limit == "failures_per_phone_day"
        assert refused.value.retry_after > 20 * HOUR

    def test_an_extended_challenge_is_sent_again_in_its_added_time(self, store, clock):
        opened = open_one(store).challenge
        assert store.extend(opened.id, 600)
        clock.advance(400)
        assert 170 <= send_again(store, opened).expires_in <= 200

    def test_extending_within_a_transaction_is_refused_with_the_reason(self, store, transactional_db):
        opened = open_one(store).challenge
        with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
            store.extend(opened.id, 600)
        assert store.get(opened.id).ttl == 300
