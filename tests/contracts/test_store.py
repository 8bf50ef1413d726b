"""What every store must do: SQL, on SQLite or on PostgreSQL as the suite runs, and Redis."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import transaction

from otp_app.challenges import Claim, Status, random_id
from otp_app.db import clock as clocks
from otp_app.delivery import records
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, Limited, ProofRequired
from otp_app.limits import request_limits
from otp_app.limits.values import Counts, RequestLimits
from otp_app.models import Counter, Delivery, EventRow, KeptAnswer
from otp_app.stores import purge
from tests.asking import check, open_one, send_again, sending
from tests.factories import new_challenge, new_phone

pytestmark = pytest.mark.django_db

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def store(each_store, clock):
    return each_store


# open and get


def test_an_opened_challenge_is_found_as_it_was_opened(store):
    opened = open_one(store).challenge
    assert store.get(opened.id) == opened
    assert opened.status is Status.PENDING
    assert opened.sends_left == 2
    assert opened.sent_at == (opened.created_at,)


def test_an_unknown_id_finds_nothing(store):
    assert store.get(random_id()) is None


def test_a_queued_delivery_is_committed_with_the_challenge(store):
    opened = open_one(store).challenge
    delivery = Delivery.objects.get(challenge=opened.id)
    assert (delivery.status, delivery.sent_at) == ("queued", opened.created_at)
    assert (delivery.provider, delivery.reference, delivery.claimed_at) == ("", "", 0)


CLAIM = Claim("one", ("a" * 32, "b" * 32))


CLAIMS = {"sms": CLAIM, "telegram": Claim("two")}


def test_whoever_delivers_at_once_has_taken_the_delivery_on_with_the_send(store, clock):
    """Of a process that dies before it asks the provider nobody knows whether it did: it is given up, not repeated."""
    challenge = new_challenge()
    grant = store.open(challenge, sending(challenge), CLAIMS)
    clock.advance(60)
    again = send_again(store, grant.challenge, claims=CLAIMS)
    for sent in (grant, again):
        records.insert_claimed(sent)  # where it is not in the database yet
        delivery = Delivery.objects.get(challenge=challenge.id, sent_at=sent.challenge.sent_at[-1])
        assert (delivery.status, delivery.provider) == ("queued", "one")
        assert delivery.reference == sent.claimed.row["reference"]
        assert abs(delivery.claimed_at - sent.now) < 60_000
        assert sent.claimed.claim == CLAIM
    assert records.unclaimed_sends(challenge.id) == []


def test_what_a_claimed_send_begins_with_is_the_whole_row_that_it_has(store):
    """So that its end can be written down by itself, wherever its beginning is."""
    challenge = new_challenge(device="a device")
    grant = store.open(challenge, sending(challenge), CLAIMS)
    records.insert_claimed(grant)
    row, ids = Delivery.objects.values().get(), {name: UUID(grant.claimed.row[name]) for name in ("challenge", "phone")}
    assert {name: row[name] for name in grant.claimed.row} == grant.claimed.row | ids
    assert (row["status"], row["device"], row["region"]) == ("queued", True, "UZ")


def test_a_second_send_by_the_channel_of_the_first_is_claimed_by_that_channels_provider(store, clock, settings):
    settings.OTP_WAITS = ()
    grant = open_one(store, channel="telegram")
    again = send_again(store, grant.challenge, claims=CLAIMS, channel="")
    assert (again.challenge.channel, again.claimed.claim) == ("telegram", Claim("two"))


def test_a_channel_that_is_on_offer_no_more_is_claimed_by_nobody_who_could_be_asked(store, clock, settings):
    settings.OTP_WAITS = ()
    grant = open_one(store, channel="whatsapp")
    again = send_again(store, grant.challenge, claims=CLAIMS, channel="")
    assert (again.challenge.channel, again.claimed.claim) == ("whatsapp", Claim(""))
    records.insert_claimed(again)
    row = Delivery.objects.get(sent_at=again.challenge.sent_at[-1])
    assert (row.provider, row.claimed_at > 0) == ("", True)  # nor does a sweep drive it


def test_with_the_send_comes_what_is_blocked_of_what_its_delivery_has_to_know(store, clock):
    """It is written to the database, and the store is told of it."""
    until = {"a" * 32: store.now() + 5000, "c" * 32: store.now() + 7000}
    for key, blocked in until.items():
        values = {"newest": [], "rings": [], "expires_at": 0}
        Counter.objects.create(key=key, blocked_until=blocked, **values)
    store.set_blocks(until)
    challenge = new_challenge()
    assert store.open(challenge, sending(challenge), CLAIMS).claimed.blocked == {"a" * 32: until["a" * 32]}
    clock.advance(60)  # over, but not forgotten: whoever comes next tries it
    again = send_again(store, challenge, claims=CLAIMS)
    assert again.claimed.blocked == {"a" * 32: until["a" * 32]}
    assert again.now > until["a" * 32]
    other = new_challenge()
    assert store.open(other, sending(other), {"sms": Claim("one")}).claimed.blocked == {}
    assert open_one(store).claimed is None


def test_the_answer_names_the_lifetime_and_the_wait_to_the_next_send(store):
    grant = open_one(store)
    assert (grant.expires_in, grant.resend_in) == (300, 60)


def test_a_call_inside_a_transaction_is_refused_with_the_reason(store, transactional_db):
    with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
        open_one(store, phone="+998901234567")
    assert open_one(store, phone="+998901234567").resend_in == 60  # the first of them left nothing


# the wait between sends


def test_the_wait_grows_with_the_sends_of_the_last_hour(store, clock):
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


def test_a_refused_send_does_not_prolong_the_wait_and_leaves_nothing(store, clock):
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


def test_a_success_resets_the_wait(store, clock):
    opened = open_one(store).challenge
    check(store, opened)
    assert store.close(opened, Status.APPROVED)
    clock.advance(1)
    assert open_one(store, phone=opened.phone).resend_in == 60


# sends per phone


def test_five_sends_an_hour_and_ten_a_day_reach_a_phone(store, clock, settings):
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


def test_the_answer_to_a_full_day_names_when_the_oldest_send_leaves_it(store, clock, settings):
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


# the phone's budget of comparisons


def test_open_challenges_reserve_their_checks_and_an_expiry_gives_the_unused_back(store, clock, settings):
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


def test_twenty_failures_close_a_phone_for_a_day_whatever_the_resends(store, clock, settings):
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
def test_a_hundred_failures_in_thirty_days_close_a_phone_though_its_challenges_are_purged(store, clock, purge):
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


def test_a_right_code_is_no_failure(store, clock, settings):
    settings.OTP_FAILURES_PER_PHONE_DAY = 5
    opened = open_one(store).challenge
    check(store, opened)
    store.close(opened, Status.APPROVED)
    open_one(store, phone=opened.phone)  # needs all five


# clients


def test_a_network_has_so_many_unanswered_messages_a_day(store, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 3
    for n in range(3):
        open_one(store, client=f"192.0.2.{n}")
    with pytest.raises(Limited) as refused:
        open_one(store, client="192.0.2.7")
    assert (refused.value.limit, refused.value.subject) == ("unconverted_per_subnet_day", "subnet 192.0.2.0/24")
    assert DAY - HOUR <= refused.value.retry_after <= DAY + HOUR
    open_one(store, client="192.0.3.7")


def test_a_success_gives_an_unanswered_message_back_where_it_was_taken(store, clock, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
    opened = open_one(store, client="192.0.2.1").challenge
    clock.advance(290)  # perhaps another sub-bucket than the one of the send
    check(store, opened, client="198.51.100.9")  # and another network
    store.close(store.get(opened.id), Status.APPROVED)
    opened = open_one(store, client="192.0.2.1").challenge
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_a_success_gives_back_every_send_of_its_challenge_and_no_other(store, clock, settings):
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


def test_an_approval_without_a_check_is_no_credit(store, settings):
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


def test_no_window_of_a_network_ever_holds_more_than_the_amount(store, clock, settings):
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


def test_a_client_has_so_many_checks_and_a_refused_one_spends_nothing(store, settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    opened = open_one(store).challenge
    check(store, opened, client="192.0.2.1")
    with pytest.raises(Limited) as refused:
        check(store, opened, client="192.0.2.1")
    assert refused.value.limit == "checks_per_client_hour"
    assert store.get(opened.id).checks_left == 4


def test_a_right_code_gives_its_check_back_to_the_client_and_no_other(store, settings):
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


# checks


def test_five_checks_and_no_more(store):
    opened = open_one(store).challenge
    left = [check(store, opened).checks_left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert check(store, opened) is None


def test_the_phone_alone_has_three_of_the_five_and_the_id_the_rest(store):
    opened = open_one(store).challenge
    assert [bool(check(store, opened, by_id=False)) for _ in range(4)] == [True, True, True, False]
    assert [bool(check(store, opened)) for _ in range(3)] == [True, True, False]


def test_the_phone_alone_means_its_newest_open_challenge(store, clock):
    older = open_one(store).challenge
    clock.advance(60)
    newer = open_one(store, phone=older.phone).challenge
    assert check(store, older, by_id=False).id == newer.id
    store.close(newer, Status.CANCELED)
    assert check(store, older, by_id=False).id == older.id


def test_an_exhausted_newest_challenge_does_not_lead_to_an_older_one(store, clock):
    older = open_one(store).challenge
    clock.advance(60)
    newer = open_one(store, phone=older.phone).challenge
    while check(store, newer):
        pass
    assert check(store, older, by_id=False) is None


def test_an_expired_challenge_takes_no_check(store, clock):
    opened = open_one(store).challenge
    clock.advance(300)
    assert check(store, opened) is None
    assert check(store, opened, by_id=False) is None


@pytest.mark.parametrize("changed", [{"phone": "+998900000000"}, {"purpose": "change_phone"}, {"id": random_id()}])
def test_a_check_needs_the_challenge_of_this_phone_and_purpose(store, changed):
    opened = open_one(store).challenge
    values = {"phone": opened.phone, "purpose": "login", "id": opened.id} | changed
    assert store.spend_check(values["phone"], values["purpose"], values["id"], RequestLimits()) is None
    assert store.get(opened.id).checks_left == 5


def test_a_check_without_a_challenge_costs_the_client_nothing(store, settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    for _ in range(3):
        assert check(store, new_challenge(), client="192.0.2.1") is None
    assert check(store, open_one(store).challenge, client="192.0.2.1")


# sends again


def test_a_second_send_keeps_the_challenge_its_nonce_and_its_end(store, clock):
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


def test_a_second_send_may_go_by_another_channel_and_without_one_keeps_the_last(store, clock, settings):
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


def test_a_challenge_has_three_sends(store, clock, settings):
    settings.OTP_WAITS = ()
    opened = open_one(store).challenge
    send_again(store, opened)
    send_again(store, opened)
    with pytest.raises(InvalidOrExpiredCode):
        send_again(store, opened)


def test_a_second_send_takes_the_limits_of_the_phone(store):
    opened = open_one(store).challenge
    with pytest.raises(Limited) as refused:
        send_again(store, opened)
    assert refused.value.limit == "wait_per_phone"
    assert store.get(opened.id).sends_left == 2


@pytest.mark.parametrize("end", ["approved", "canceled", "expired", "exhausted", "another's", "unknown"])
def test_what_is_not_open_is_not_sent_again_and_nothing_is_charged(store, clock, settings, end):
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


# extend


def test_an_open_challenge_lives_as_long_as_asked_from_its_beginning(store, clock):
    opened = open_one(store).challenge
    clock.advance(250)
    assert store.extend(opened.id, 600)
    clock.advance(300)
    assert check(store, opened).checks_left == 4
    clock.advance(50)
    assert check(store, opened) is None


def test_it_is_extended_once_and_never_shortened(store):
    opened = open_one(store).challenge
    assert not store.extend(opened.id, 300)
    assert not store.extend(opened.id, 200)
    assert store.get(opened.id).ttl == 300
    assert store.extend(opened.id, 600)
    assert not store.extend(opened.id, 600)
    assert store.get(opened.id).ttl == 600


def test_more_time_brings_no_check_no_send_and_no_other_code(store, clock):
    opened = open_one(store).challenge
    check(store, opened)
    clock.advance(60)
    before = send_again(store, opened).challenge
    assert store.extend(opened.id, 600)
    assert store.get(opened.id) == replace(before, ttl=600)
    assert store.get(opened.id).nonce == opened.nonce
    assert Delivery.objects.filter(challenge=opened.id).count() == 2


@pytest.mark.parametrize("end", ["approved", "canceled", "expired", "exhausted", "unknown"])
def test_what_is_open_no_more_gets_no_more_time(store, clock, end):
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


def test_while_it_is_extended_it_holds_its_part_of_the_phones_budget(store, clock, settings):
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


def test_a_check_of_the_time_that_was_added_costs_the_phone_as_any_other(store, clock, settings):
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


def test_an_extended_challenge_is_sent_again_in_its_added_time(store, clock):
    opened = open_one(store).challenge
    assert store.extend(opened.id, 600)
    clock.advance(400)
    assert 170 <= send_again(store, opened).expires_in <= 200


def test_extending_within_a_transaction_is_refused_with_the_reason(store, transactional_db):
    opened = open_one(store).challenge
    with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
        store.extend(opened.id, 600)
    assert store.get(opened.id).ttl == 300


# close


def test_one_caller_approves_and_the_next_does_not(store):
    opened = open_one(store).challenge
    assert store.close(opened, Status.APPROVED)
    assert not store.close(opened, Status.APPROVED)
    assert not store.close(opened, Status.CANCELED)
    assert store.get(opened.id).status is Status.APPROVED


def test_a_refused_approval_gives_nothing_back(store, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
    opened = open_one(store, client="192.0.2.1").challenge
    store.close(opened, Status.CANCELED)
    assert not store.close(opened, Status.APPROVED)
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_an_approval_closes_the_other_open_challenges_of_that_phone_and_purpose(store, clock, settings):
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


def test_a_canceled_challenge_takes_no_check(store):
    opened = open_one(store).challenge
    assert store.close(opened, Status.CANCELED)
    assert check(store, opened) is None


# undo_send


def test_a_first_send_that_did_not_leave_is_given_back_to_the_phone_and_cancels(store):
    opened = open_one(store).challenge
    store.undo_send(opened, chosen=True)
    undone = store.get(opened.id)
    assert (undone.status, undone.sent_at) == (Status.CANCELED, ())
    assert open_one(store, phone=opened.phone).resend_in == 60


def test_no_two_sends_of_a_challenge_have_the_same_instant_also_within_a_millisecond(store, settings):
    settings.OTP_WAITS = ()
    opened = open_one(store).challenge
    with clocks.stopped(opened.created_at):  # where this machine tells the time; elsewhere it is just quick
        send_again(store, opened)
        first, second, third = send_again(store, opened).challenge.sent_at
    assert first < second < third < first + 1000
    assert Delivery.objects.filter(challenge=opened.id).count() == 3


def test_a_later_send_that_did_not_leave_is_given_back_and_the_challenge_lives(store, clock):
    opened = open_one(store).challenge
    clock.advance(60)
    store.undo_send(send_again(store, opened).challenge)
    assert replace(store.get(opened.id), increments=()) == replace(opened, language="uz", increments=())
    assert send_again(store, opened).resend_in == 120


def test_a_send_that_failed_for_what_was_asked_is_given_back_to_the_phone_alone(store):
    opened = open_one(store, client="192.0.2.1").challenge
    store.undo_send(opened, chosen=True)
    left = counted(store, opened)
    assert left["unconverted_per_subnet_day"] == left["sends_per_prefix_day"] == left["unconverted_per_region_day"] == 1
    assert left["sends_per_phone_day"] == 0


def test_a_send_of_a_challenge_that_was_answered_meanwhile_is_not_undone(store):
    opened = open_one(store).challenge
    store.close(opened, Status.APPROVED)
    store.undo_send(opened)
    assert store.get(opened.id).status is Status.APPROVED


def test_a_send_of_a_challenge_that_is_gone_needs_no_undoing(store):
    gone = replace(new_challenge(), sent_at=(1,))
    store.undo_send(gone)
    assert store.get(gone.id) is None


# purge


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_purge_works_in_a_project_without_time_zones(store, settings, clock, use_tz):
    settings.USE_TZ = use_tz
    opened = open_one(store).challenge
    event("early")
    assert store.purge() == 0
    assert store.get(opened.id)
    assert EventRow.objects.count() == 1
    clock.advance(30 * DAY + 60)
    store.purge()
    assert not EventRow.objects.exists()


def event(reference, delivery=None):
    facts = {"digest": random_id(), "provider": "one", "status": "sent", "raw": {}}
    EventRow.objects.create(reference=reference, delivery=delivery, **facts)


def test_deliveries_are_kept_for_thirty_days(store, clock):
    opened = open_one(store).challenge
    event("its own", Delivery.objects.get(challenge=opened.id))
    clock.advance(2 * DAY)
    store.purge()
    assert Delivery.objects.filter(challenge=opened.id).exists()
    assert EventRow.objects.exists()
    clock.advance(29 * DAY)
    store.purge()
    assert not Delivery.objects.exists()
    assert not EventRow.objects.exists()


def test_what_is_old_is_deleted_in_small_batches_and_all_of_it(store, clock, monkeypatch):
    monkeypatch.setattr(purge, "BATCH_ROWS", 2)
    for number in range(5):
        opened = open_one(store).challenge
        event(f"early {number}")
    clock.advance(31 * DAY)
    young = open_one(store).challenge
    store.purge()
    assert not Delivery.objects.filter(challenge=opened.id).exists()
    assert list(Delivery.objects.values_list("challenge", flat=True)) == [UUID(young.id)]
    assert not EventRow.objects.exists()


def test_kept_answers_go_when_they_expire(store, clock):
    now = store.now()
    for seconds in (60, 7200):
        facts = {"key": random_id(), "body": random_id(), "challenge": random_id()}
        KeptAnswer.objects.create(**facts, expires_at=now + seconds * 1000)
    clock.advance(HOUR)
    store.purge()
    assert KeptAnswer.objects.count() == 1


def test_which_messages_led_to_a_sign_in_outlasts_the_challenge(store, clock):
    done, failed, tried, canceled = (open_one(store).challenge for _ in range(4))
    Delivery.objects.filter(challenge=failed.id).update(status="failed")
    for challenge in (done, failed):
        assert store.close(check(store, challenge), Status.APPROVED)
    check(store, tried)
    store.close(canceled, Status.CANCELED)
    store.settle()
    clock.advance(2 * DAY)
    store.purge()
    assert list(Delivery.objects.filter(converted=True).values_list("challenge", flat=True)) == [UUID(done.id)]


def test_a_lost_race_to_approve_marks_nothing(store):
    opened = open_one(store).challenge
    store.close(opened, Status.CANCELED)
    assert not store.close(opened, Status.APPROVED)
    store.settle()
    assert not Delivery.objects.filter(converted=True).exists()


# key counters


def used_of(store, challenge, name, client=None):
    (limit,) = [limit for limit in sending(challenge, client).limits if limit.name == name]
    (usage,) = store.usage([limit])
    return usage.used


def test_a_prefix_has_so_many_unanswered_messages_a_day(store, settings):
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 4
    numbers = [f"+99890123{n:04d}" for n in range(6)]
    opened = [open_one(store, phone=number).challenge for number in numbers[:4]]
    with pytest.raises(Limited) as refused:
        open_one(store, phone=numbers[4])
    assert (refused.value.limit, refused.value.subject) == ("unconverted_per_prefix_day", "prefix +99890123")
    assert store.close(opened[0], Status.APPROVED)
    assert used_of(store, opened[1], "unconverted_per_prefix_day") == 3
    open_one(store, phone=numbers[5])


def test_a_quarter_of_what_was_answered_of_a_day_is_added_to_the_floor(store, clock, settings):
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


def test_a_quarter_of_the_average_day_is_added_after_a_bad_day(store, clock, settings):
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


def test_a_prefix_that_answers_everything_grows_by_its_average_day_only(store, clock, settings):
    settings.OTP_SENDS_PER_PREFIX_DAY = 7
    numbers = (f"+99890123{n:04d}" for n in range(30))
    for _ in range(10):  # after seven answers three are added, after ten four
        assert store.close(open_one(store, phone=next(numbers)).challenge, Status.APPROVED)
    opened = open_one(store, phone=next(numbers)).challenge
    with pytest.raises(Limited) as refused:
        open_one(store, phone=next(numbers))
    assert refused.value.limit == "sends_per_prefix_day"
    assert used_of(store, opened, "answered_in_prefix") == 10


def test_an_answered_message_counts_once_for_each_send_and_an_undone_one_never(store, clock):
    opened = open_one(store, client="192.0.2.1").challenge
    clock.advance(60)
    opened = send_again(store, opened, client="192.0.2.1").challenge
    undone = open_one(store, client="192.0.2.1").challenge
    store.undo_send(undone)
    assert used_of(store, opened, "answered_in_subnet", "192.0.2.1") == 0
    assert store.close(opened, Status.APPROVED)
    for name in ("answered_in_subnet", "answered_in_network", "answered_in_region"):
        assert used_of(store, opened, name, "192.0.2.1") == 2


def strange(settings):
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 2
    settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]  # so that the service is not too young for strangers


def test_networks_where_nobody_has_signed_in_share_one_pot(store, settings):
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


def test_a_network_is_known_for_a_week(store, clock, settings):
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


def test_where_few_have_signed_in_yet_nobody_is_a_stranger_in_a_home_country(store, settings):
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


def test_an_answered_message_keeps_its_buckets_counter_for_a_week_and_another_for_a_day(store, clock):
    answered, other = (open_one(store, phone=phone).challenge for phone in ("+998901230001", "+998911230001"))
    assert store.close(answered, Status.APPROVED)
    clock.advance(3 * DAY)
    store.purge()
    assert used_of(store, answered, "answered_in_prefix") == 1
    clock.advance(5 * DAY)
    assert used_of(store, answered, "answered_in_prefix") == 0
    assert used_of(store, other, "answered_in_prefix") == 0


def test_a_ceiling_in_money_is_never_passed_whoever_asks(store, settings):
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
def test_a_cap_of_a_day_holds_in_every_window_of_a_day(store, clock, settings, setting, limit):
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


def test_all_or_nothing_a_send_that_the_last_limit_refuses_has_taken_nothing_of_the_others(store, settings):
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


def test_the_longest_wait_of_all_is_the_one_that_is_named(store, clock, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 2
    phone = open_one(store, client="192.0.2.1").challenge.phone
    clock.advance(120)
    open_one(store, client="192.0.2.1", phone=phone)
    with pytest.raises(Limited) as refused:  # the phone waits 120 s, the network a day
        open_one(store, client="192.0.2.1", phone=phone)
    assert refused.value.limit == "unconverted_per_subnet_day"
    assert DAY - 180 <= refused.value.retry_after <= DAY + HOUR


def test_an_ipv6_subnet_is_a_48_and_a_network_a_32(store, settings):
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


# what looks wrong


def test_a_limit_of_nothing_lets_nothing_through_from_the_first_on(store, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 0
    with pytest.raises(Limited) as refused:
        open_one(store, client="192.0.2.1")
    assert refused.value.limit == "unconverted_per_subnet_day"
    assert not Delivery.objects.exists()


@pytest.fixture
def wary(settings):
    settings.OTP_PROOFS = True
    return settings


def test_beyond_half_of_a_network_a_proof_is_needed_and_nothing_is_taken_without(store, wary):
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


def test_beyond_half_of_the_strangers_pot_a_proof_is_needed_of_strangers_only(store, wary):
    strange(wary)
    open_one(store, client="1.0.2.1")
    with pytest.raises(ProofRequired) as refused:
        open_one(store, client="2.0.2.1")
    assert refused.value.limit == "unconverted_of_strangers_day"
    open_one(store, client="203.0.113.7")


def test_a_proof_is_good_for_one_send_until_it_would_have_expired_anyway(store, wary, clock):
    wary.OTP_UNCONVERTED_PER_NETWORK_DAY = 4
    for _ in range(2):
        open_one(store, client="192.0.2.1")
    store.open(first := new_challenge(), sending(first, "192.0.2.1", proof="one"))
    for _ in range(4):
        with pytest.raises(ProofRequired):
            store.open(other := new_challenge(), sending(other, "192.0.2.1", proof="one"))
        clock.advance(290)
    assert store.get(other.id) is None


# devices

ONE, TWO = "1" * 32, "2" * 32


def test_devices_have_sends_and_checks_that_strangers_cannot_spend(store, clock, settings):
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


def test_all_devices_of_a_phone_together_have_five_sends_and_ten_failures_a_day(store, clock, settings):
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


def test_a_sixth_send_of_devices_is_refused(store, clock, settings):
    settings.OTP_WAITS = ()
    phone = new_phone()
    for _ in range(5):
        opened = open_one(store, phone=phone, device=ONE).challenge
        assert store.close(opened, Status.APPROVED)
    with pytest.raises(Limited) as refused:
        open_one(store, phone=phone, device=TWO)
    assert refused.value.limit == "sends_of_devices_day"


def test_a_device_asks_for_its_own_challenge_first_and_for_strangers_else(store, clock):
    opened = open_one(store).challenge
    assert store.spend_check(opened.phone, "login", None, RequestLimits(), device=ONE).id == opened.id
    own = open_one(store, phone=opened.phone, device=ONE).challenge
    clock.advance(60)
    newer = open_one(store, phone=opened.phone).challenge
    assert store.spend_check(opened.phone, "login", None, RequestLimits(), device=ONE).id == own.id
    assert store.spend_check(opened.phone, "login", None, RequestLimits(), device=TWO).id == newer.id


def test_only_the_device_that_opened_a_challenge_has_it_sent_again(store, clock):
    own = open_one(store, device=ONE).challenge
    clock.advance(60)
    for device in ("", TWO):
        with pytest.raises(InvalidOrExpiredCode):
            send_again(store, replace(own, device=device))
    assert send_again(store, own).challenge.device == ONE


def test_a_success_of_a_device_closes_strangers_challenges_and_resets_its_own_wait_only(store, clock):
    opened = open_one(store).challenge
    own = open_one(store, phone=opened.phone, device=ONE).challenge
    assert store.close(own, Status.APPROVED)
    assert store.get(opened.id).status is Status.CANCELED
    clock.advance(1)
    open_one(store, phone=opened.phone, device=ONE)
    with pytest.raises(Limited) as refused:
        open_one(store, phone=opened.phone)
    assert refused.value.limit == "wait_per_phone"


# limits without a challenge


def test_what_a_clock_that_was_ahead_has_counted_stays_counted(store, clock, settings):
    settings.OTP_PASSWORDS_PER_ACCOUNT_HOUR = 2
    limits = request_limits.for_password("192.0.2.1", "somebody")
    clock.advance(1800)
    store.take(limits)
    clock.advance(-1800)  # another server answers, or it was set right
    store.take(limits)
    with pytest.raises(Limited) as refused:
        store.take(limits)
    assert refused.value.limit == "passwords_per_account_hour"


def test_passwords_are_taken_and_given_back(store, settings):
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


def test_usage_tells_what_is_used_and_for_how_long(store, clock):
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


def test_the_time_is_the_stores(store, clock):
    before = store.now()
    clock.advance(1000)
    assert 1_000_000 <= store.now() - before < 1_060_000


def test_what_a_wrong_code_costs_is_remembered_without_harm(store):
    opened = check(store, open_one(store).challenge)
    store.fail(opened)
    assert store.get(opened.id).checks_left == 4


# a provider that fails


TWO_OF_A_PREFIX = ("+998901230001", "+998901230002")
OF_THE_PHONE = {"sends_per_phone_hour", "sends_per_phone_day"}


def counted(store, challenge, client="192.0.2.1"):
    """What is used of all that its first send took."""
    limits = sending(challenge, client).limits
    return {
        item.limit.name: item.used for item in store.usage(limits, phone=challenge.phone, device=bool(challenge.device))
    }


@pytest.mark.parametrize("device", ["", "a device"])
def test_a_send_that_a_provider_failed_is_given_back_to_everybody_it_was_taken_from(store, device):
    client = "2001:db8::/64"
    opened = open_one(store, client=client, device=device).challenge
    # One for each rule, five checks, and nothing answered; none of strangers, because the service is young.
    assert set(counted(store, opened, client).values()) == {0, 1, 5}
    for _ in range(2):  # a second time there is nothing to give back
        store.undo_send(opened)
        assert set(counted(store, opened, client).values()) == {0}
    assert store.get(opened.id).status is Status.CANCELED


def test_nothing_of_another_send_comes_back_however_often_one_is_undone(store):
    opened, other = (open_one(store, client="192.0.2.1", phone=phone).challenge for phone in TWO_OF_A_PREFIX)
    for _ in range(3):
        store.undo_send(opened)
    left = counted(store, other)
    assert set(left.values()) == {0, 1, 5}


def test_of_two_sends_the_one_that_did_not_leave_is_given_back_and_nothing_of_the_other(store, clock):
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


def test_the_earlier_of_two_sends_may_be_the_one_that_did_not_leave(store, clock):
    opened = open_one(store, client="192.0.2.1").challenge
    clock.advance(61)
    again = send_again(store, opened, client="192.0.2.1").challenge
    store.undo_send(opened)
    left = counted(store, opened)
    assert left["sends_per_prefix_day"] == left["unconverted_per_region_day"] == left["sends_per_phone_day"] == 1
    assert store.get(opened.id).sent_at == again.sent_at[1:]
    assert store.get(opened.id).status is Status.PENDING


def test_a_proof_of_work_is_used_up_also_where_nothing_was_sent(store):
    challenge = new_challenge()
    store.undo_send(store.open(challenge, sending(challenge, proof="one")).challenge)
    with pytest.raises(ProofRequired):
        store.open(other := new_challenge(), sending(other, proof="one"))


def test_the_cap_of_a_day_is_whole_again_after_an_outage(store, settings):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 3
    for _ in range(4):
        store.undo_send(open_one(store, client="192.0.2.1").challenge)
    for _ in range(3):
        open_one(store, client="192.0.2.1")
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_what_was_given_back_is_not_given_back_again_by_a_success(store, clock):
    opened = open_one(store, client="192.0.2.1").challenge
    other = open_one(store, client="192.0.2.1").challenge
    clock.advance(60)
    again = send_again(store, opened, client="192.0.2.1")
    store.undo_send(again.challenge)
    assert used_of(store, other, "unconverted_per_subnet_day", "192.0.2.1") == 2
    assert store.close(store.get(opened.id), Status.APPROVED)
    assert used_of(store, other, "unconverted_per_subnet_day", "192.0.2.1") == 1


def test_a_send_that_was_answered_meanwhile_gives_nothing_back_twice(store):
    grant = open_one(store, client="192.0.2.1")
    open_one(store, client="192.0.2.1")
    assert store.close(grant.challenge, Status.APPROVED)
    store.undo_send(grant.challenge)
    assert used_of(store, grant.challenge, "unconverted_per_subnet_day", "192.0.2.1") == 1
