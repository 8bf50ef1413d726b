"""Test of every store: closing a challenge, and giving a send back."""

from dataclasses import replace

import pytest

from ....challenges import Status
from ....db import clock as clocks
from ....errors import Limited, ProofRequired
from ....models import Delivery
from ..asking import check, open_one, send_again, sending
from ..values import new_challenge
from .buckets import used_of

TWO_OF_A_PREFIX = ("+998901230001", "+998901230002")


OF_THE_PHONE = {"sends_per_phone_hour", "sends_per_phone_day"}


def counted(store, challenge, client="192.0.2.1"):
    """Return what is used of all that the first send of a challenge took."""
    limits = sending(challenge, client).limits
    return {
        item.limit.name: item.used for item in store.usage(limits, phone=challenge.phone, device=bool(challenge.device))
    }


class EndContract:
    """Test closing a challenge, and giving a send back."""

    def test_one_caller_approves_and_the_next_does_not(self, store):
        opened = open_one(store).challenge
        assert store.close(opened, Status.APPROVED)
        assert not store.close(opened, Status.APPROVED)
        assert not store.close(opened, Status.CANCELED)
        assert store.get(opened.id).status is Status.APPROVED

    def test_a_challenge_that_is_opened_again_takes_another_check_and_is_closed_once_more(self, store):
        opened = open_one(store).challenge
        assert store.close(check(store, opened), Status.APPROVED)
        store.reopen(opened)
        assert store.get(opened.id).status is Status.PENDING
        paid = check(store, opened)
        assert paid.checks_left == opened.checks - 2
        assert [store.close(paid, Status.APPROVED) for _ in range(2)] == [True, False]

    def test_a_challenge_that_is_opened_again_is_canceled_by_the_approval_of_another(self, store, settings):
        settings.OTP_WAITS = ()
        opened = open_one(store).challenge
        assert store.close(check(store, opened), Status.APPROVED)
        store.reopen(opened)
        other = open_one(store, phone=opened.phone).challenge
        assert store.close(check(store, other), Status.APPROVED)
        assert store.get(opened.id).status is Status.CANCELED

    def test_a_second_approval_of_a_challenge_that_was_opened_again_gives_nothing_back_a_second_time(self, store):
        opened = open_one(store, client="192.0.2.1").challenge
        paid = check(store, opened)
        open_one(store, phone="+998901230009", client="192.0.2.1")
        assert store.close(paid, Status.APPROVED)
        once = counted(store, opened)["unconverted_per_subnet_day"]
        store.reopen(paid)
        assert store.close(check(store, opened), Status.APPROVED)
        assert counted(store, opened)["unconverted_per_subnet_day"] == once

    @pytest.mark.parametrize("status", [None, Status.CANCELED])
    def test_only_an_approved_challenge_is_opened_again(self, store, status):
        opened = open_one(store).challenge
        if status:
            store.close(opened, status)
        store.reopen(opened)
        assert store.get(opened.id).status is (status or Status.PENDING)

    def test_a_refused_approval_gives_nothing_back(self, store, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
        opened = open_one(store, client="192.0.2.1").challenge
        store.close(opened, Status.CANCELED)
        assert not store.close(opened, Status.APPROVED)
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1")

    def test_an_approval_closes_the_other_open_challenges_of_that_phone_and_purpose(self, store, clock, settings):
        settings.OTP_WAITS = ()
        first = open_one(store).challenge
        second = open_one(store, phone=first.phone).challenge
        other_purpose = open_one(store, phone=first.phone, purpose="change_phone").challenge
        other_phone = open_one(store).challenge
        assert store.close(second, Status.APPROVED)
        assert store.get(first.id).status is Status.CANCELED
        assert store.get(other_purpose.id).status is Status.PENDING
        assert store.get(other_phone.id).status is Status.PENDING
        assert not store.close(first, Status.APPROVED)

    def test_a_canceled_challenge_takes_no_check(self, store):
        opened = open_one(store).challenge
        assert store.close(opened, Status.CANCELED)
        assert check(store, opened) is None

    def test_a_first_send_that_did_not_leave_is_given_back_to_the_phone_and_cancels(self, store):
        opened = open_one(store).challenge
        store.undo_send(opened, chosen=True)
        undone = store.get(opened.id)
        assert (undone.status, undone.sent_at) == (Status.CANCELED, ())
        assert open_one(store, phone=opened.phone).resend_in == 60

    def test_no_two_sends_of_a_challenge_have_the_same_instant_also_within_a_millisecond(self, store, settings):
        settings.OTP_WAITS = ()
        opened = open_one(store).challenge
        with clocks.stopped(opened.created_at):  # where this machine tells the time; elsewhere it is just quick
            send_again(store, opened)
            first, second, third = send_again(store, opened).challenge.sent_at
        assert first < second < third < first + 1000
        assert Delivery.objects.filter(challenge=opened.id).count() == 3

    def test_a_later_send_that_did_not_leave_is_given_back_and_the_challenge_lives(self, store, clock):
        opened = open_one(store).challenge
        clock.advance(60)
        store.undo_send(send_again(store, opened).challenge)
        assert replace(store.get(opened.id), increments=()) == replace(opened, language="uz", increments=())
        assert send_again(store, opened).resend_in == 120

    def test_a_send_that_failed_for_what_was_asked_is_given_back_to_the_phone_alone(self, store):
        opened = open_one(store, client="192.0.2.1").challenge
        store.undo_send(opened, chosen=True)
        left = counted(store, opened)
        for name in ("unconverted_per_subnet_day", "sends_per_prefix_day", "unconverted_per_region_day"):
            assert left[name] == 1
        assert left["sends_per_phone_day"] == 0

    def test_a_send_of_a_challenge_that_was_answered_meanwhile_is_not_undone(self, store):
        opened = open_one(store).challenge
        store.close(opened, Status.APPROVED)
        store.undo_send(opened)
        assert store.get(opened.id).status is Status.APPROVED

    def test_a_send_of_a_challenge_that_is_gone_needs_no_undoing(self, store):
        gone = replace(new_challenge(), sent_at=(1,))
        store.undo_send(gone)
        assert store.get(gone.id) is None

    @pytest.mark.parametrize("device", ["", "a device"])
    def test_a_send_that_a_provider_failed_is_given_back_to_everybody_it_was_taken_from(self, store, device):
        client = "2001:db8::/64"
        opened = open_one(store, client=client, device=device).challenge
        # One for each rule, five checks, and nothing answered; none of strangers, because the service is young.
        assert set(counted(store, opened, client).values()) == {0, 1, 5}
        for _ in range(2):  # a second time there is nothing to give back
            store.undo_send(opened)
            assert set(counted(store, opened, client).values()) == {0}
        assert store.get(opened.id).status is Status.CANCELED

    def test_nothing_of_another_send_comes_back_however_often_one_is_undone(self, store):
        opened, other = (open_one(store, client="192.0.2.1", phone=phone).challenge for phone in TWO_OF_A_PREFIX)
        for _ in range(3):
            store.undo_send(opened)
        left = counted(store, other)
        assert set(left.values()) == {0, 1, 5}

    def test_of_two_sends_the_one_that_did_not_leave_is_given_back_and_nothing_of_the_other(self, store, clock):
        opened = open_one(store, client="192.0.2.1").challenge
        before = counted(store, opened)
        clock.advance(70)
        again = send_again(store, opened, client="192.0.2.9").challenge
        assert counted(store, opened)["unconverted_per_region_day"] == 2
        store.undo_send(again)
        assert counted(store, opened) == before
        assert store.close(check(store, opened), Status.APPROVED)
        kept = {name for name, n in counted(store, opened).items() if n and not name.startswith("answered")}
        assert kept == {"sends_per_prefix_day"} | OF_THE_PHONE

    def test_the_earlier_of_two_sends_may_be_the_one_that_did_not_leave(self, store, clock):
        opened = open_one(store, client="192.0.2.1").challenge
        clock.advance(61)
        again = send_again(store, opened, client="192.0.2.1").challenge
        store.undo_send(opened)
        left = counted(store, opened)
        assert left["sends_per_prefix_day"] == left["unconverted_per_region_day"] == left["sends_per_phone_day"] == 1
        assert store.get(opened.id).sent_at == again.sent_at[1:]
        assert store.get(opened.id).status is Status.PENDING

    def test_a_proof_of_work_is_used_up_also_where_nothing_was_sent(self, store):
        challenge = new_challenge()
        store.undo_send(store.open(challenge, sending(challenge, proof="one")).challenge)
        with pytest.raises(ProofRequired):
            store.open(other := new_challenge(), sending(other, proof="one"))

    def test_the_cap_of_a_day_is_whole_again_after_an_outage(self, store, settings):
        settings.OTP_UNCONVERTED_PER_REGION_DAY = settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 3
        for _ in range(4):
            store.undo_send(open_one(store, client="192.0.2.1").challenge)
        for _ in range(3):
            open_one(store, client="192.0.2.1")
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1")

    def test_what_was_given_back_is_not_given_back_again_by_a_success(self, store, clock):
        opened = open_one(store, client="192.0.2.1").challenge
        other = open_one(store, client="192.0.2.1").challenge
        clock.advance(60)
        again = send_again(store, opened, client="192.0.2.1")
        store.undo_send(again.challenge)
        assert used_of(store, other, "unconverted_per_subnet_day", "192.0.2.1") == 2
        assert store.close(store.get(opened.id), Status.APPROVED)
        assert used_of(store, other, "unconverted_per_subnet_day", "192.0.2.1") == 1

    def test_a_send_that_was_answered_meanwhile_gives_nothing_back_twice(self, store):
        grant = open_one(store, client="192.0.2.1")
        open_one(store, client="192.0.2.1")
        assert store.close(grant.challenge, Status.APPROVED)
        store.undo_send(grant.challenge)
        assert used_of(store, grant.challenge, "unconverted_per_subnet_day", "192.0.2.1") == 1
