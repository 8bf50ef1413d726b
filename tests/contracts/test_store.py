"""What every store must do. Runs on SQLite and on PostgreSQL, as the suite does."""

from dataclasses import replace

import pytest
from django.db import transaction

from otp_app import limits
from otp_app.challenges import Status, random_id
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, Limited
from otp_app.models import ChallengeRow, Counter, Delivery
from otp_app.stores.sql import SqlStore
from tests.factories import new_challenge

pytestmark = pytest.mark.django_db

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture(params=[SqlStore])
def store(request, clock):
    return request.param()


def open_one(store, client=None, **values):
    return store.open(new_challenge(**values), limits.for_send(client))


def check(store, challenge, *, by_id=True, client=None):
    wanted = challenge.id if by_id else None
    return store.spend_check(challenge.phone, challenge.purpose, wanted, limits.for_check(client))


def send_again(store, challenge, client=None):
    taken = limits.for_send(client, again=True)
    return store.spend_send(challenge.phone, challenge.purpose, challenge.id, taken, language="uz", channel="sms")


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


def test_the_answer_names_the_lifetime_and_the_wait_to_the_next_send(store):
    grant = open_one(store)
    assert (grant.expires_in, grant.resend_in) == (300, 60)


def test_a_call_inside_a_transaction_is_refused_with_the_reason(store, transactional_db):
    with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
        open_one(store)
    assert ChallengeRow.objects.count() == 0


# the wait between sends


def test_the_wait_grows_with_the_sends_of_the_last_hour(store, clock):
    phone = open_one(store).challenge.phone
    for wait in (60, 120, 300):
        with pytest.raises(Limited) as refused:
            open_one(store, phone=phone)
        assert (refused.value.limit, refused.value.retry_after) == ("wait_per_phone", wait)
        clock.advance(wait)
        open_one(store, phone=phone)
    with pytest.raises(Limited) as refused:
        open_one(store, phone=phone)
    assert refused.value.retry_after == 600


def test_a_refused_send_does_not_prolong_the_wait_and_leaves_nothing(store, clock):
    phone = open_one(store, client="192.0.2.1").challenge.phone
    counters = list(Counter.objects.order_by("key").values("key", "slots"))
    clock.advance(59)
    for _ in range(3):
        with pytest.raises(Limited):
            open_one(store, client="192.0.2.1", phone=phone)
    assert list(Counter.objects.order_by("key").values("key", "slots")) == counters
    assert ChallengeRow.objects.count() == Delivery.objects.count() == 1
    clock.advance(1)
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
    assert DAY - 10 * HOUR - 5 <= refused.value.retry_after <= DAY - 10 * HOUR


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
    assert 300 <= refused.value.retry_after <= 310  # and ten seconds for a check of the last instant
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


def test_a_client_has_so_many_unconverted_sends_an_hour(store, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 3
    for _ in range(3):
        open_one(store, client="192.0.2.1")
    with pytest.raises(Limited) as refused:
        open_one(store, client="192.0.2.1")
    assert refused.value.limit == "unconverted_per_client_hour"
    assert HOUR - 150 <= refused.value.retry_after <= HOUR + 150
    open_one(store, client="192.0.2.2")


def test_a_success_gives_the_client_its_unconverted_send_back_where_it_was_taken(store, clock, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
    opened = open_one(store, client="192.0.2.1").challenge
    clock.advance(200)  # another sub-bucket than the one of the send
    check(store, opened, client="192.0.2.9")  # and another client
    store.close(store.get(opened.id), Status.APPROVED)
    opened = open_one(store, client="192.0.2.1").challenge
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_a_success_gives_back_every_send_of_its_challenge_and_no_other(store, clock, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 4
    opened = open_one(store, client="192.0.2.1").challenge
    open_one(store, client="192.0.2.1")
    clock.advance(60)
    opened = send_again(store, opened, client="192.0.2.1").challenge
    assert len(opened.charges) == 2
    check(store, opened)
    store.close(opened, Status.APPROVED)
    for _ in range(3):
        open_one(store, client="192.0.2.1")
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_what_is_given_back_to_a_counter_that_was_lost_is_no_credit(store, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
    opened = open_one(store, client="192.0.2.1").challenge
    Counter.objects.all().delete()
    store.close(opened, Status.APPROVED)
    open_one(store, client="192.0.2.1")
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_all_sends_of_a_client_are_bounded_too(store, settings):
    settings.OTP_SENDS_PER_CLIENT_HOUR = 2
    for _ in range(2):
        opened = open_one(store, client="192.0.2.1").challenge
        check(store, opened)
        store.close(opened, Status.APPROVED)
    with pytest.raises(Limited) as refused:
        open_one(store, client="192.0.2.1")
    assert refused.value.limit == "sends_per_client_hour"


def test_no_window_of_a_client_ever_holds_more_than_the_amount(store, clock, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 6
    times = []
    for second in range(0, 3 * HOUR, 97):
        try:
            open_one(store, client="192.0.2.1")
            times.append(second)
        except Limited:
            pass
        clock.advance(97)
    assert max(sum(at <= other < at + HOUR for other in times) for at in times) <= 6
    assert len(times) >= 17  # three hours less the sub-bucket that counts whole


def test_a_client_has_so_many_checks_and_a_refused_one_spends_nothing(store, settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    opened = open_one(store).challenge
    check(store, opened, client="192.0.2.1")
    with pytest.raises(Limited) as refused:
        check(store, opened, client="192.0.2.1")
    assert refused.value.limit == "checks_per_client_hour"
    assert store.get(opened.id).checks_left == 4


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
    assert store.spend_check(values["phone"], values["purpose"], values["id"], ()) is None
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
    assert 238 <= grant.expires_in <= 240
    assert grant.resend_in == 120
    assert store.get(opened.id) == again
    assert Delivery.objects.filter(challenge=opened.id).count() == 2


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


@pytest.mark.parametrize("call", ["send again", "undo"])
def test_i2_a_check_spent_in_the_middle_of_a_send_stays_spent(store, clock, monkeypatch, call):
    from otp_app.stores import rows

    opened = open_one(store).challenge
    clock.advance(60)
    name = "past" if call == "send again" else "find"
    read = getattr(rows, name)

    def read_and_be_overtaken(alias, *asked):
        result = read(alias, *asked)
        assert rows.spend_check(alias, opened.phone, "login", opened.id)
        return result

    monkeypatch.setattr(rows, name, read_and_be_overtaken)
    if call == "send again":
        send_again(store, opened)
    else:
        store.undo_send(opened)
    monkeypatch.undo()
    assert ChallengeRow.objects.get(id=opened.id).checks_left == 4


def test_a_challenge_that_ends_in_the_middle_of_a_send_is_not_sent_again(store, clock, monkeypatch):
    from otp_app.stores import rows

    opened = open_one(store).challenge
    clock.advance(60)
    past = rows.past

    def end_after(alias, *asked):
        result = past(alias, *asked)
        rows.cancel(alias, opened.id)
        return result

    monkeypatch.setattr(rows, "past", end_after)
    with pytest.raises(InvalidOrExpiredCode):
        send_again(store, opened)
    assert Delivery.objects.filter(challenge=opened.id).count() == 1


# close


def test_one_caller_approves_and_the_next_does_not(store):
    opened = open_one(store).challenge
    assert store.close(opened, Status.APPROVED)
    assert not store.close(opened, Status.APPROVED)
    assert not store.close(opened, Status.CANCELED)
    assert store.get(opened.id).status is Status.APPROVED


def test_a_refused_approval_gives_nothing_back(store, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
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
    store.undo_send(opened)
    undone = store.get(opened.id)
    assert (undone.status, undone.sent_at) == (Status.CANCELED, ())
    assert open_one(store, phone=opened.phone).resend_in == 60


def test_a_later_send_that_did_not_leave_is_given_back_and_the_challenge_lives(store, clock):
    opened = open_one(store).challenge
    clock.advance(60)
    store.undo_send(send_again(store, opened).challenge)
    assert store.get(opened.id) == replace(opened, language="uz")
    assert send_again(store, opened).resend_in == 120


def test_an_undone_send_is_not_given_back_to_the_client(store, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
    store.undo_send(open_one(store, client="192.0.2.1").challenge)
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_a_send_of_a_challenge_that_was_answered_meanwhile_is_not_undone(store):
    opened = open_one(store).challenge
    store.close(opened, Status.APPROVED)
    store.undo_send(opened)
    assert store.get(opened.id).status is Status.APPROVED


def test_a_send_of_a_challenge_that_is_gone_needs_no_undoing(store):
    store.undo_send(replace(new_challenge(), sent_at=(1,)))
    assert not ChallengeRow.objects.exists()


# purge


def test_a_purge_deletes_the_dead_and_spares_what_still_counts(store, clock):
    dead = open_one(store, client="192.0.2.1").challenge
    clock.advance(DAY + 301)
    living = open_one(store).challenge
    assert store.purge() == 1
    assert store.get(dead.id) is None
    assert store.get(living.id) == living
    assert not Counter.objects.filter(span=24).exists()
    assert store.purge() == 0


def test_a_purge_works_in_batches(store, clock, monkeypatch):
    monkeypatch.setattr("otp_app.stores.purge.BATCH", 2)
    for _ in range(5):
        open_one(store, client="192.0.2.1")
    clock.advance(2 * DAY)
    assert store.purge() == 5
    assert not ChallengeRow.objects.exists()


def test_a_purge_works_in_a_project_without_time_zones(store, settings):
    settings.USE_TZ = False
    opened = open_one(store).challenge
    assert store.purge() == 0
    assert store.get(opened.id)


def test_deliveries_are_kept_for_thirty_days(store, clock):
    opened = open_one(store).challenge
    clock.advance(2 * DAY)
    store.purge()
    assert Delivery.objects.filter(challenge=opened.id).exists()
    clock.advance(29 * DAY)
    store.purge()
    assert not Delivery.objects.exists()
