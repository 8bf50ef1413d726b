"""Answers of the store in Redis: the same as in SQL, and one round trip a call."""

import json
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from django.db import transaction

from otp_app.challenges import Status
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, Limited, ProofRequired
from otp_app.keys import phone_key
from otp_app.limits.values import Conversion, RequestLimits
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
        lambda: store.lift("1" * 32, 0),
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
    request_limits = RequestLimits((key_limit("short", amount=1), key_limit("long", amount=1, blocks=2 * HOUR)))
    store.take(request_limits)
    assert refusal_of(lambda: store.take(request_limits)).limit == "long"
    refused = refusal_of(lambda: store.take(request_limits))
    assert (refused.limit, refused.subject, refused.block) == ("long", "all long", None)
    assert 2 * HOUR - 60 <= refused.retry_after <= 2 * HOUR


def test_a_block_is_told_once_and_refused_requests_do_not_prolong_it(store, clock):
    limit = key_limit(amount=2, blocks=12 * HOUR)
    request_limits = RequestLimits((limit,))
    store.take(request_limits)
    store.take(request_limits)
    begun = refusal_of(lambda: store.take(request_limits))
    block = begun.block
    assert (block.key, block.forgives, block.limit) == (limit.key, 0, "a_crowd")
    assert (block.reason, block.until - block.since) == ("2 of 2 in 3600 s", 12 * HOUR * 1000)
    clock.advance(11 * HOUR)
    refused = refusal_of(lambda: store.take(request_limits))
    assert refused.block is None
    assert HOUR - 60 <= refused.retry_after <= HOUR
    assert store.usage([limit])[0].blocked_until == block.until
    clock.advance(HOUR)
    store.take(request_limits)


def test_a_lifted_block_is_over_and_its_counter_empty(store):
    limit, other = key_limit(amount=1, blocks=60), key_limit("other", amount=1, blocks=60)
    beside = replace(limit, ring=1, amount=5, blocks=0)
    store.take(RequestLimits((beside,)))
    for _ in range(2):
        for each in (limit, other):
            with suppress(Limited):
                store.take(RequestLimits((each,)))
    store.lift(limit.key, 0)
    usages = store.usage([limit, other, beside])
    assert [usage.blocked_until > 0 for usage in usages] == [False, True, False]
    assert [usage.used for usage in usages] == [0, 1, 1]


def test_a_crowd_that_looks_wrong_needs_a_proof_and_nothing_is_taken_without(store):
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


@pytest.mark.parametrize(("block", "proof"), [(10, 25), (0, 25)])
def test_a_region_with_a_poor_conversion_is_blocked_or_asked_for_proofs(store, clock, block, proof):
    sends = key_limit("sends", amount=10**6)
    unconverted = replace(sends, name="unconverted", ring=1, converts=True)
    fresh = replace(unconverted, name="fresh", ring=2, period=60)
    judged = Conversion(sends.key, 0, 1, 2, subject="region XX", least=3, proof=proof, block=block, blocks=HOUR)
    request_limits = RequestLimits((sends, unconverted, fresh), judged)
    for _ in range(3):
        store.open(new_challenge(), request_limits)
    with pytest.raises(ProofRequired):  # all of them are young
        store.open(new_challenge(), request_limits)
    clock.advance(120)
    if not block:
        with pytest.raises(ProofRequired):
            store.open(new_challenge(), request_limits)
        store.open(new_challenge(), RequestLimits(request_limits.limits, judged, proven=True))
        return
    refused = refusal_of(lambda: store.open(new_challenge(), RequestLimits(request_limits.limits, judged, proven=True)))
    assert (refused.limit, refused.retry_after) == ("conversion", HOUR)
    assert (refused.block.key, refused.block.forgives) == (sends.key, 1)
    assert refused.block.reason == "0 of 3 sends were followed by a success"
    assert refusal_of(lambda: store.open(new_challenge(), request_limits)).limit == "sends"


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


def test_a_blocked_crowd_is_given_back_too(store):
    limit = key_limit(amount=1, converts=True, blocks=60)
    increments = store.take(RequestLimits((limit,)))
    refusal_of(lambda: store.take(RequestLimits((limit,))))
    store.give_back(increments)
    assert used(store, limit) == [0]
    assert refusal_of(lambda: store.take(RequestLimits((limit,)))).retry_after == 60


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
    assert 30 * DAY * 1000 < server.command("PTTL", phone) <= (30 * DAY + HOUR) * 1000
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
        lambda: store.lift("1" * 32, 0),
    ):
        with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
            call()
    assert server.command("DBSIZE") == before
    assert store.get(opened.id) == opened


def test_processes_of_the_release_before_read_what_this_one_opens_and_see_its_blocks(server, store):
    opened = open_one(store)
    document = json.loads(server.command("GET", f"otp:c:{opened.id}"))
    assert not document["charges"]  # as Lua writes an empty list: of what this one has taken it gives nothing back
    until = store.now() + 60_000
    store.set_blocks({"a" * 32: until})
    assert int(server.command("HGET", f"otp:n:{'a' * 32}", "b")) == until
