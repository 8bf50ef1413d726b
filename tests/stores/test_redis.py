"""Answers of the store in Redis: the same as in SQL, and one round trip a call."""

import time
from dataclasses import replace

import pytest
from django.db import transaction

from otp_app.challenges import Status
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, ProofRequired
from otp_app.keys import phone_key
from otp_app.limits.values import RequestLimits
from tests.asking import check, sending
from tests.factories import new_challenge

from .redis_calls import DAY, HOUR, NOTHING, again, key_limit, open_one, refusal_of, used

pytestmark = pytest.mark.django_db


def test_every_call_is_one_round_trip(store, round_trips, settings):
    settings.OTP_WAITS = ()
    opened = open_one(store)  # loads the script, and tells an empty server that SQL is empty, too
    request_limits = RequestLimits((key_limit("another"),))
    for call in (
        lambda: open_one(store, client="192.0.2.1"),
        lambda: again(store, opened),
        lambda: check(store, opened),
        lambda: store.spend_check(opened.phone, "login", None, NOTHING),
        lambda: store.get(opened.id),
        lambda: store.close(opened, Status.APPROVED),
        lambda: store.undo_send(opened),
        lambda: store.take(request_limits),
        lambda: store.give_back(opened.increments),
        lambda: store.usage(request_limits.limits),
        store.settle,
        lambda: store.set_blocks({"1" * 32: 0}),
        store.now,
    ):
        call()  # loads the script
        round_trips.clear()
        call()
        assert len(round_trips) == 1


def test_a_server_that_lost_its_scripts_is_given_them_again(store, server):
    open_one(store)
    server.command("SCRIPT", "FLUSH")
    open_one(store)


def test_the_longest_wait_names_the_refusal(store):
    request_limits = RequestLimits(
        (key_limit("short", amount=1), replace(key_limit("long", amount=1), period=2 * HOUR))
    )
    store.take(request_limits)
    refused = refusal_of(lambda: store.take(request_limits))
    assert (refused.limit, refused.subject) == ("long", "all long")
    assert 2 * HOUR - 300 <= refused.retry_after <= 2 * HOUR + 300


def test_what_looks_wrong_needs_a_proof_and_nothing_is_taken_without(store):
    limit = key_limit(amount=4, proof=True)
    store.open(new_challenge(), RequestLimits((limit,)))
    store.open(new_challenge(), RequestLimits((limit,)))
    with pytest.raises(ProofRequired):
        store.open(new_challenge(), RequestLimits((limit,)))
    assert used(store, limit) == [2]
    store.open(new_challenge(), RequestLimits((limit,), proven=True))


def test_a_proof_is_good_for_one_send(store):
    challenge = new_challenge()
    store.open(challenge, sending(challenge, proof="a proof"))
    other = new_challenge()
    with pytest.raises(ProofRequired):
        store.open(other, sending(other, proof="a proof"))


def test_devices_and_strangers_have_limits_of_their_own(store):
    stranger = open_one(store)
    device = open_one(store, phone=stranger.phone, device="a device")
    assert store.spend_check(stranger.phone, "login", None, NOTHING, device="a device").id == device.id
    assert store.spend_check(stranger.phone, "login", None, NOTHING).id == stranger.id
    assert store.spend_check(stranger.phone, "login", None, NOTHING, device="another").id == stranger.id
    with pytest.raises(InvalidOrExpiredCode):
        again(store, device, NOTHING, device="another")
    (usage,) = store.usage([sending(device).limits[1]], phone=device.phone, device=True)
    assert usage.used == 1


def test_what_is_given_back_is_never_a_credit(store, settings):
    limit = key_limit(amount=10, converts=True)
    store.take(RequestLimits((limit,)))
    increments = store.take(RequestLimits((limit,)))
    for left in (1, 0, 0):
        store.give_back(increments)
        assert used(store, limit) == [left]
    for _ in range(10):
        store.take(RequestLimits((limit,)))
    refusal_of(lambda: store.take(RequestLimits((limit,))))


def test_what_is_given_back_beyond_what_is_there_is_no_credit_either(store):
    limit = key_limit(amount=6, cost=5, converts=True)
    increments = store.take(RequestLimits((limit,)))
    store.give_back([replace(increments[0], cost=4)])
    assert used(store, limit) == [1]
    store.give_back(increments)
    store.take(RequestLimits((limit,)))
    refusal_of(lambda: store.take(RequestLimits((limit,))))


def test_a_right_code_is_no_failure_though_a_wrong_one_came_after_it(store):
    opened = open_one(store)
    right = check(store, opened)
    time.sleep(0.002)
    assert check(store, opened)
    assert store.close(right, Status.APPROVED)
    (usage,) = [
        usage
        for usage in store.usage(sending(opened).limits, phone=opened.phone)
        if usage.limit.name == "failures_per_phone_month"
    ]
    assert usage.used == 1
    assert store.close(open_one(store), Status.APPROVED)  # as an operator's tool might, without any check


def test_the_clock_of_this_machine_does_not_matter(store, server, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    (before, _), opened, (after, _) = server.command("TIME"), open_one(store), server.command("TIME")
    assert int(before) <= opened.created_at // 1000 <= int(after)
    assert int(after) <= store.now() // 1000 <= int(server.command("TIME")[0])


def test_what_counts_no_longer_is_forgotten(store, server, clock):
    opened = open_one(store)
    assert 0 < server.command("PTTL", f"otp:c:{opened.id}") <= (300 + HOUR) * 1000
    phone = f"otp:p:{phone_key(opened.phone)}"
    assert DAY * 1000 < server.command("PTTL", phone) <= (DAY + HOUR) * 1000
    check(store, opened)
    assert (30 * DAY - HOUR) * 1000 < server.command("PTTL", phone) <= 30 * DAY * 1000
    counters = server.command("KEYS", "otp:k:*")
    assert counters
    assert all(0 < server.command("PTTL", key) <= 25 * HOUR * 1000 for key in counters)
    assert store.purge() == 0


@pytest.mark.django_db(transaction=True)
def test_a_call_inside_a_transaction_is_refused_with_the_reason(store, server):
    opened = open_one(store)
    before = server.command("DBSIZE")
    for call in (
        lambda: open_one(store),
        lambda: again(store, opened),
        lambda: check(store, opened),
        lambda: store.fail(opened),
        lambda: store.close(opened, Status.APPROVED),
        lambda: store.undo_send(opened),
        lambda: store.take(NOTHING),
        lambda: store.give_back(()),
    ):
        with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
            call()
    assert server.command("DBSIZE") == before
    assert store.get(opened.id) == opened
