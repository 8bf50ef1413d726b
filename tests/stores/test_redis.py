"""What is special to the store in Redis: races, one round trip a call, and servers that forget, change or fail."""

import json
import logging
import os
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest
import redis
from django.db import OperationalError, transaction

from otp_app.challenges import Status, random_id
from otp_app.delivery import records
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, Limited, ProofRequired, Unavailable
from otp_app.keys import phone_key
from otp_app.limits import request_limits
from otp_app.limits.values import Conversion, Counts, Limit, RequestLimits
from otp_app.models import BlockRow, Delivery
from otp_app.stores import redis as redis_store
from otp_app.stores import wire
from otp_app.stores.redis import RedisStore, recovery
from otp_app.stores.redis import server as redis_server
from otp_app.stores.sql import SqlStore
from tests.asking import check, sending
from tests.factories import new_challenge, new_phone
from tests.races import race
from tests.valkey import any_running, running

pytestmark = pytest.mark.django_db

THREADS = 30
HOUR = 3600
DAY = 24 * HOUR
NOTHING = RequestLimits()


@pytest.fixture(scope="module")
def server():
    with any_running() as started:
        yield started


@pytest.fixture(scope="module")
def _own():
    with running() as started:
        yield started


@pytest.fixture
def own(_own, settings):
    """A server that may be stopped and paused."""
    _own.flush()
    settings.OTP_REDIS_URL = _own.url
    settings.OTP_REDIS_TIMEOUT = 0.5
    yield _own
    _own.resume()


@pytest.fixture
def store(server, settings, clock):
    server.flush()
    settings.OTP_REDIS_URL = server.url
    return RedisStore()


@pytest.fixture
def round_trips(monkeypatch):
    """The commands sent."""
    sent = []
    send = redis.connection.AbstractConnection.send_command

    def counted(connection, *words, **options):
        sent.append(words[0])
        return send(connection, *words, **options)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_command", counted)
    return sent


def open_one(store, client=None, **values):
    challenge = new_challenge(**values)
    return store.open(challenge, sending(challenge, client)).challenge


def guess_wrong(store, challenge):
    spent = check(store, challenge)
    if spent:
        store.fail(spent)
    return spent


def again(store, challenge, limits=None, **changed):
    how = {"device": challenge.device, "language": "uz", "channel": "sms"} | changed
    limits = limits or request_limits.for_send(challenge.phone, None, device=challenge.device)
    return store.spend_send(challenge.phone, challenge.purpose, challenge.id, limits, **how)


def refusal_of(call):
    with pytest.raises(Limited) as refused:
        call()
    return refused.value


def key_limit(name="a_crowd", amount=5, **values):
    return Limit(name, Counts.KEY, amount, HOUR, key=f"{abs(hash(name)):032x}"[:32], subject=f"all {name}", **values)


def used(store, *limits):
    return [usage.used for usage in store.usage(limits)]


def kinds(results):
    return Counter(type(result).__name__ for result in results)


def copy(source, target):
    """What a replica would have that stopped listening now."""
    target.flush()
    for key in source.command("KEYS", "*"):
        left = max(0, source.command("PTTL", key))
        target.command("RESTORE", key, left, source.command("DUMP", key))
    target.command("CLIENT", "KILL", "TYPE", "normal")  # to a server that took over all connections are new


# races


@pytest.mark.django_db(transaction=True)
def test_i2_thirty_parallel_wrong_guesses_compare_five(store):
    opened = open_one(store)
    results = race(lambda _: check(store, opened), THREADS)
    assert kinds(results) == {"Challenge": 5, "NoneType": THREADS - 5}
    assert sorted(result.checks_left for result in results if result) == [0, 1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_i1_parallel_closes_have_one_winner(store):
    opened = open_one(store)
    spent = check(store, opened)
    assert Counter(race(lambda _: store.close(spent, Status.APPROVED), THREADS)) == {True: 1, False: THREADS - 1}


@pytest.mark.django_db(transaction=True)
def test_i8_no_limit_is_overshot_by_parallel_requests(store):
    request_limits = RequestLimits(
        (key_limit("first", amount=100), key_limit("second", amount=7), key_limit("third", amount=100))
    )
    results = race(lambda _: store.take(request_limits), THREADS)
    assert kinds(results) == {"tuple": 7, "Limited": THREADS - 7}
    assert used(store, *request_limits.limits) == [7, 7, 7]  # the refused took nothing of the others


@pytest.mark.django_db(transaction=True)
def test_i8_parallel_sends_to_a_phone_send_one(store):
    phone = new_phone()
    results = race(lambda n: open_one(store, client=f"192.0.2.{n}", phone=phone), 12)
    assert kinds(results) == {"Challenge": 1, "Limited": 11}
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_reach_the_end_of_a_crowd_one_is_told_of_the_block(store):
    request_limits = RequestLimits((key_limit(amount=3, blocks=60),))
    results = race(lambda _: store.take(request_limits), 12)
    refused = [result for result in results if isinstance(result, Limited)]
    assert len(refused) == 9
    assert sum(result.block is not None for result in refused) == 1


# one round trip


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


# the same answers as in SQL


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


# a server that forgets


def test_i3_failed_checks_count_through_a_flush(store, server, clock, settings):
    settings.OTP_WAITS = ()
    phone = new_phone()
    for _ in range(4):
        opened = open_one(store, phone=phone)
        while guess_wrong(store, opened):
            pass
        clock.advance(20 * 60)
        server.flush()
    refused = refusal_of(lambda: open_one(store, phone=phone))
    assert refused.limit == "failures_per_phone_day"
    assert DAY - 81 * 60 <= refused.retry_after <= DAY - 80 * 60 + 1
    clock.advance(refused.retry_after)
    open_one(store, phone=phone)


def test_i3_failed_checks_count_for_thirty_days_through_a_flush(store, server, clock, settings):
    settings.OTP_FAILURES_PER_PHONE_MONTH = 5
    opened = open_one(store)
    guess_wrong(store, opened)
    server.flush()
    clock.advance(29 * DAY)
    assert refusal_of(lambda: open_one(store, phone=opened.phone)).limit == "failures_per_phone_month"
    clock.advance(DAY)
    open_one(store, phone=opened.phone)


def test_i4_sends_to_a_phone_count_through_a_flush_and_those_that_failed_do_not(store, server, clock, settings):
    settings.OTP_WAITS = ()
    settings.OTP_SENDS_PER_PHONE_DAY = 3
    phone = new_phone()
    open_one(store, phone=phone)
    open_one(store, phone=phone, device="a device")
    failed = open_one(store, phone=phone)
    Delivery.objects.filter(challenge=failed.id).update(status="failed")
    server.flush()
    (usage,) = store.usage([sending(failed).limits[2]], phone=phone)
    assert usage.used == 1
    (usage,) = store.usage([sending(failed).limits[2]], phone=phone, device=True)
    assert usage.used == 1
    open_one(store, phone=phone)
    server.flush()
    open_one(store, phone=phone)
    assert refusal_of(lambda: open_one(store, phone=phone)).limit == "sends_per_phone_day"


def test_i4_what_a_provider_accepted_counts_through_a_flush_though_it_failed_later(store, server, settings):
    settings.OTP_WAITS = ()
    opened = open_one(store)
    Delivery.objects.filter(challenge=opened.id).update(status="failed", segments=1)
    server.flush()
    assert store.usage([sending(opened).limits[2]], phone=opened.phone)[0].used == 1


def test_i4_a_send_that_two_providers_were_asked_for_counts_once_through_a_flush(store, server, settings):
    settings.OTP_WAITS = ()
    opened = open_one(store)
    records.claim(opened, "one")
    records.pass_on(opened, "503", "two")
    records.end(opened, 2, "sent", segments=1)
    Delivery.objects.filter(handover=1).update(segments=1)  # by a report of what the first did after all
    request_limits = sending(opened)
    limits = [limit for limit in request_limits.limits if limit.name in ("sends_per_phone_day", "sends_per_day")]
    before = [usage.used for usage in store.usage(limits, phone=opened.phone)]
    server.flush()
    assert [usage.used for usage in store.usage(limits, phone=opened.phone)] == before == [1, 1]


def test_i4_a_send_that_both_providers_refused_is_not_counted_through_a_flush(store, server):
    opened = open_one(store)
    records.claim(opened, "one")
    records.pass_on(opened, "503", "two")
    records.end(opened, 2, "failed", error="503")
    server.flush()
    assert store.usage([sending(opened).limits[2]], phone=opened.phone)[0].used == 0


@pytest.mark.parametrize("status", ["queued", "unknown", "sent", "delivered", "undelivered"])
def test_i4_what_may_have_left_counts_through_a_flush(store, server, status):
    opened = open_one(store)
    Delivery.objects.filter(challenge=opened.id).update(status=status)
    server.flush()
    assert store.usage([sending(opened).limits[2]], phone=opened.phone)[0].used == 1


# sign-ins that are marked in the database


def sign_in(store):
    opened = open_one(store)
    assert store.close(check(store, opened), Status.APPROVED)
    return opened.id


def marked():
    return {challenge.hex for challenge in Delivery.objects.filter(converted=True).values_list("challenge", flat=True)}


def test_every_so_many_sign_ins_one_of_them_marks_them_all(store, monkeypatch, django_assert_num_queries):
    """A statement for each would double what a sign-in costs in the database."""
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 3)
    first = [sign_in(store) for _ in range(2)]
    assert marked() == set()
    opened = open_one(store)
    spent = check(store, opened)
    with django_assert_num_queries(1):
        store.close(spent, Status.APPROVED)
    assert marked() == {*first, opened.id}
    sign_in(store)
    assert marked() == {*first, opened.id}


def test_settling_marks_the_rest_in_as_many_batches_as_it_takes(store, server, monkeypatch):
    done = [sign_in(store) for _ in range(5)]
    store.close(open_one(store), Status.CANCELED)
    open_one(store)
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 2)
    store.settle()
    assert marked() == set(done)
    assert not server.command("EXISTS", "otp:converted")
    store.settle()


def test_a_sign_in_is_one_though_it_cannot_be_marked(store, monkeypatch):
    """It is for a report."""

    def fail(*_asked):
        raise OperationalError

    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 1)
    monkeypatch.setattr(redis_store.outbox, "mark_converted", fail)
    sign_in(store)


def test_what_nobody_settles_is_forgotten_after_a_month(store, server):
    sign_in(store)
    assert 29 * DAY * 1000 < server.command("PTTL", "otp:converted") <= 30 * DAY * 1000


@pytest.mark.django_db(transaction=True)
def test_of_many_who_settle_at_once_each_marks_what_no_other_does(store, monkeypatch):
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 2)
    monkeypatch.setattr(redis_store.outbox, "mark_converted", lambda alias, ids: taken.extend(ids))
    taken = []
    done = [sign_in(store) for _ in range(9)]
    assert race(lambda _: store.settle(), 4) == [0] * 4
    assert sorted(taken) == sorted(done)


# a server that forgot


def test_the_caps_of_a_day_hold_through_a_flush(store, server, clock, settings):
    for name in ("SENDS_PER_REGION_DAY", "SENDS_PER_DAY", "UNCONVERTED_PER_DAY", "FAILURES_PER_DAY"):
        setattr(settings, f"OTP_{name}", 1000)
    opened = [open_one(store) for _ in range(4)]
    open_one(store, device="a device")
    store.close(check(store, opened[0]), Status.APPROVED)
    clock.advance(2 * HOUR)
    opened.append(open_one(store))
    tested = {"challenge": random_id(), "sent_at": store.now(), "region": "UZ", "channel": "sms", "provider": "test"}
    Delivery.objects.create(**tested)  # to a test number
    request_limits = sending(opened[0])
    names = ["sends_per_region_day", "sends_per_day", "unconverted_per_day", "failures_per_day"]
    limits = [limit for name in names for limit in request_limits.limits if limit.name == name]
    devices = [limit for limit in sending(new_challenge(device="d")).limits if limit.name == "device_sends_per_day"]
    before = store.usage([*limits, *devices])
    assert [usage.used for usage in before] == [5, 5, 4, 20, 1]
    server.flush()
    assert store.usage([*limits, *devices]) == before
    clock.advance(22 * HOUR - 60)
    assert [usage.used for usage in store.usage(limits)] == [5, 5, 4, 20]
    clock.advance(HOUR + 60)  # the first sub-bucket is gone, wherever in it the first sends were
    server.flush()
    assert [usage.used for usage in store.usage(limits)] == [1, 1, 1, 5]


def test_of_a_day_only_what_may_have_left_counts_through_a_flush(store, server, settings):
    """By one provider, or by the second that was asked."""
    settings.OTP_PROOFS = False
    failed, passed_on, twice, sent = (open_one(store) for _ in range(4))
    for challenge in (failed, passed_on, twice):
        records.claim(challenge, "one")
    records.end(failed, 1, "failed", error="503")
    for challenge in (passed_on, twice):
        records.pass_on(challenge, "503", "two")
    records.end(passed_on, 2, "sent", segments=1)
    records.end(twice, 2, "failed", error="503")
    for challenge in (failed, twice):
        store.undo_send(challenge)
    names = ("sends_per_region_day", "sends_per_day", "unconverted_per_day")
    limits = [limit for limit in sending(sent).limits if limit.name in names]
    assert [usage.used for usage in store.usage(limits)] == [2, 2, 2]
    server.flush()
    assert [usage.used for usage in store.usage(limits)] == [2, 2, 2]


def test_unconverted_sends_are_taken_to_be_the_last_ones():
    assert recovery._latest({7: 3, 8: 2, 9: 4}, 5) == {9: 4, 8: 1, 7: 0}


def test_blocks_hold_through_a_flush_until_they_end_or_are_lifted(store, server, clock):
    limits = [key_limit(name, blocks=HOUR) for name in ("blocked", "lifted", "over")]
    now = store.now()
    for limit, until, lifted in zip(limits, (HOUR, HOUR, -1), (None, now, None), strict=True):
        BlockRow.objects.create(
            key=limit.key, forgives=limit.key, since=now, until=now + until * 1000, lifted_at=lifted
        )
    server.flush()
    refused = refusal_of(lambda: store.take(RequestLimits((limits[0],))))
    assert (refused.limit, refused.block) == ("blocked", None)
    assert HOUR - 60 <= refused.retry_after <= HOUR
    store.take(RequestLimits(tuple(limits[1:])))
    clock.advance(HOUR)
    store.take(RequestLimits((limits[0],)))


def test_a_challenge_is_gone_with_a_flush_and_its_requests_are_told_so(store, server):
    opened = open_one(store, client="192.0.2.1")
    server.flush()
    assert store.get(opened.id) is None
    assert check(store, opened, client="192.0.2.1") is None
    assert not store.close(opened, Status.APPROVED)
    store.undo_send(opened)
    with pytest.raises(InvalidOrExpiredCode):
        again(store, opened, NOTHING)


def test_an_empty_server_beside_an_empty_database_asks_it_once(store, round_trips, django_assert_num_queries):
    open_one(store)
    open_one(store)
    round_trips.clear()
    with django_assert_num_queries(1):  # the delivery
        open_one(store)
    assert round_trips == ["EVALSHA"]


def test_after_a_flush_a_phone_is_read_from_the_database_at_its_first_send_only(store, server, clock, round_trips):
    phone = open_one(store).phone
    server.flush()
    open_one(store)
    clock.advance(60)
    round_trips.clear()
    open_one(store, phone=phone)
    assert len(round_trips) == 2
    clock.advance(120)
    round_trips.clear()
    open_one(store, phone=phone)
    assert len(round_trips) == 1


def test_after_a_flush_a_refused_phone_is_read_from_the_database_once_as_well(store, server, round_trips):
    phone = open_one(store).phone
    server.flush()
    open_one(store)
    trips = []
    for _ in range(3):
        round_trips.clear()
        assert refusal_of(lambda: open_one(store, phone=phone)).limit == "wait_per_phone"
        trips.append(len(round_trips))
    assert trips == [2, 1, 1]


def test_a_send_that_cannot_be_written_down_for_a_worker_costs_nobody_anything(store, monkeypatch):
    def fail(*_part):
        raise OperationalError

    challenge = new_challenge()
    monkeypatch.setattr(redis_store.writes, "run", fail)
    with pytest.raises(OperationalError):
        store.open(challenge, sending(challenge, "192.0.2.1"))
    monkeypatch.undo()
    assert store.get(challenge.id).status is Status.CANCELED
    limits = [limit for limit in sending(challenge, "192.0.2.1").limits if limit.converts]
    assert {item.used for item in store.usage(limits)} == {0}
    open_one(store, phone=challenge.phone)


def test_after_thirty_days_there_is_nothing_left_to_read(store, server, clock, round_trips):
    open_one(store)
    server.flush()
    open_one(store)
    clock.advance(30 * DAY + 1)
    round_trips.clear()
    open_one(store)
    assert len(round_trips) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_find_the_server_empty_all_go_on_and_one_begins(store, server, settings):
    settings.OTP_SENDS_PER_DAY = 10
    open_one(store)
    for _ in range(3):
        server.flush()
        race(lambda _: open_one(store), 6)
    assert Delivery.objects.count() == 10


def test_who_comes_late_to_begin_a_generation_changes_nothing(store, server):
    opened = open_one(store)
    limits = [limit for limit in sending(opened).limits if limit.name == "sends_per_day"]
    begun = server.command("GET", "otp:generation")
    again(store, opened, NOTHING)
    store.lift(limits[0].key, limits[0].ring)
    redis_store._begin_generation(redis_server.current(), store.now())
    assert server.command("GET", "otp:generation") == begun
    assert used(store, *limits) == [0]


def test_a_server_that_forgets_faster_than_it_is_told_is_unavailable(store, monkeypatch):
    monkeypatch.setattr(redis_store, "_begin_generation", lambda *_: None)
    with pytest.raises(Unavailable):
        open_one(store)


def test_the_operator_is_told_that_the_server_forgot(store, server, caplog):
    open_one(store)
    assert "Redis held nothing" not in caplog.text
    server.flush()
    open_one(store)
    assert caplog.text.count("Redis held nothing") == 1


# another server


def test_after_a_failover_to_old_data_nothing_is_compared_or_sent_too_often(store, server, own, clock, settings):
    settings.OTP_WAITS = ()
    settings.OTP_SENDS_PER_PHONE_HOUR = settings.OTP_SENDS_PER_PHONE_DAY = 4
    settings.OTP_REDIS_URL = server.url
    first = open_one(store)
    guess_wrong(store, first)
    copy(server, own)
    for _ in range(4):
        guess_wrong(store, first)
    second = open_one(store, phone=first.phone)
    guess_wrong(store, second)
    limits = sending(first).limits
    settings.OTP_REDIS_URL = own.url
    own.restart()
    copy(server, own)
    stale = {usage.limit.name: usage.used for usage in store.usage(limits, phone=first.phone)}
    assert stale["sends_per_phone_day"] == 2
    assert stale["failures_per_phone_day"] == 6  # the reserve of the second is void with it
    assert stale["sends_per_day"] == stale["unconverted_per_day"] == 2


def test_i1_i2_a_challenge_of_before_a_failover_takes_no_check_and_no_approval(store, server, own, settings):
    settings.OTP_REDIS_URL = server.url
    opened = open_one(store)
    spent = check(store, opened)
    copy(server, own)
    settings.OTP_REDIS_URL = own.url
    assert store.get(opened.id).status is Status.CANCELED
    assert check(store, opened) is None
    assert not store.close(spent, Status.APPROVED)
    open_one(store)  # and a new generation makes it no better
    assert store.get(opened.id).status is Status.CANCELED
    assert check(store, opened) is None
    assert not store.close(spent, Status.APPROVED)
    assert not store.close(spent, Status.CANCELED)


def test_counters_that_a_new_server_has_are_kept_where_they_are_higher(store, server, own, settings):
    settings.OTP_REDIS_URL = server.url
    opened = open_one(store)
    limits = [limit for limit in sending(opened, "192.0.2.1").limits if limit.name == "sends_per_day"]
    client = key_limit("of an hour")
    store.take(RequestLimits((client,)))
    Delivery.objects.all().delete()
    open_one(store)
    copy(server, own)
    settings.OTP_REDIS_URL = own.url
    assert used(store, *limits, client) == [2, 1]


@pytest.mark.parametrize("earlier", [True, False])
def test_what_a_stale_server_lacks_of_a_phone_is_merged_with_what_it_has(store, server, own, settings, clock, earlier):
    settings.OTP_WAITS = ()
    settings.OTP_REDIS_URL = server.url
    opened = open_one(store)
    guess_wrong(store, opened)
    if earlier:
        copy(server, own)
    clock.advance(1)
    guess_wrong(store, opened)
    open_one(store, phone=opened.phone)
    if not earlier:
        copy(server, own)
    settings.OTP_REDIS_URL = own.url
    usages = {usage.limit.name: usage.used for usage in store.usage(sending(opened).limits, phone=opened.phone)}
    assert (usages["sends_per_phone_day"], usages["failures_per_phone_day"]) == (2, 2)


def test_a_primary_that_became_a_replica_is_unavailable_until_it_is_one_again(store, own):
    open_one(store)
    own.command("REPLICAOF", "127.0.0.1", 1)
    with pytest.raises(Unavailable):
        open_one(store)
    with pytest.raises(
        Unavailable
    ):  # nor is it asked for what it could tell, or it would not be noticed when it is back
        store.now()
    own.command("REPLICAOF", "NO", "ONE")
    open_one(store)


# a server that fails


def test_a_restart_costs_no_request_and_what_must_last_lasts(store, own, settings, clock):
    opened = open_one(store)
    store.now()
    own.restart()
    assert refusal_of(lambda: open_one(store, phone=opened.phone)).limit == "wait_per_phone"
    open_one(store)


def test_connections_that_the_server_closed_cost_no_request_each(store, own):
    barrier = threading.Barrier(6)
    server = redis_server._pooled(own.url, 0.5)

    def together(_):
        barrier.wait()
        return server.now()

    race(together, 6)
    own.command("CLIENT", "KILL", "TYPE", "normal")
    while len(own.command("CLIENT", "LIST").splitlines()) > 1:  # but for who asks
        time.sleep(0.01)
    assert {type(store.now()) for _ in range(12)} == {int}
    own.restart()
    assert {type(result).__name__ for result in race(together, 6)} == {"int"}


def test_a_stopped_server_is_unavailable_and_used_again_when_it_is_back(store, own, caplog):
    opened = open_one(store)
    own.stop()
    for call in (lambda: open_one(store), lambda: check(store, opened), lambda: store.get(opened.id), store.now):
        caplog.clear()
        with pytest.raises(Unavailable):
            call()
        assert [record.getMessage() for record in caplog.records] == ["Redis: ConnectionError"]
    own.start()
    open_one(store)


def test_a_server_that_does_not_answer_is_unavailable_in_time_and_used_again(store, own, caplog):
    open_one(store)
    own.pause()
    for _ in range(2):  # with the connection it had, and with a new one
        began = time.monotonic()
        with pytest.raises(Unavailable):
            open_one(store)
        assert time.monotonic() - began > 0.4  # it was waited for, and not for ever
    assert "Redis: TimeoutError" in caplog.text
    own.resume()
    open_one(store)


def test_a_call_that_timed_out_is_not_made_again(store, own, round_trips):
    limit = key_limit(amount=100)
    store.take(RequestLimits((limit,)))
    own.pause()
    round_trips.clear()
    with pytest.raises(Unavailable):
        store.take(RequestLimits((limit,)))
    assert round_trips == ["EVALSHA"]
    own.resume()
    assert used(store, limit)[0] <= 2


def test_a_full_server_is_unavailable_and_takes_nothing(store, own, caplog):
    limit = key_limit()
    store.take(RequestLimits((limit,)))
    own.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(Unavailable):
            store.take(RequestLimits((limit,)))
        assert "Redis: OutOfMemoryError" in caplog.text
    finally:
        own.command("CONFIG", "SET", "maxmemory", 0)
    assert used(store, limit) == [1]


def test_a_server_that_may_evict_is_reported_once(store, own, caplog):
    redis_server._warn_of_evictions.cache_clear()
    own.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        for _ in range(2):
            own.command("CLIENT", "KILL", "TYPE", "normal")
            store.now()
    finally:
        own.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage()[:15] for record in warned] == ["Redis may evict"]


def test_a_failure_is_logged_without_what_was_asked(store, own, caplog, monkeypatch):
    opened = open_one(store)
    monkeypatch.setattr(wire, "_limit", lambda _: '"no limit"')
    with pytest.raises(Unavailable):
        open_one(store, phone=opened.phone)
    assert caplog.records[-1].getMessage() == "Redis: ResponseError"
    assert opened.phone not in caplog.text
    assert caplog.records[-1].exc_info is None


def test_a_forked_process_uses_connections_of_its_own(store, own):
    assert store.now()
    reader, writer = os.pipe()
    before = store.now()
    child = os.fork()
    if not child:
        os.write(writer, str(store.now()).encode())
        os._exit(0)
    assert before <= int(os.read(reader, 32)) <= store.now()
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert store.now()


def test_the_failures_of_a_phone_are_kept_when_a_project_goes_over_from_sql(store, settings, clock):
    settings.OTP_WAITS = ()
    number = new_phone()
    before = SqlStore()
    for device in ("", "a device"):
        challenge = new_challenge(phone=number, device=device)
        opened = before.open(challenge, sending(challenge)).challenge
        while check(before, opened):
            pass
    known = recovery.of_phone("default", number, before.now())
    assert {lane: sum(told["f"].values()) for lane, told in known.items()} == {"s": 5, "d": 5}
    assert {lane: len(told["s"]) for lane, told in known.items()} == {"s": 1, "d": 1}
    settings.OTP_FAILURES_PER_PHONE_DAY = 9
    clock.advance(400)
    assert refusal_of(lambda: open_one(store, phone=number)).limit == "failures_per_phone_day"


def test_processes_of_the_release_before_read_what_this_one_opens_and_see_its_blocks(server, store):
    opened = open_one(store)
    document = json.loads(server.command("GET", f"otp:c:{opened.id}"))
    assert not document["charges"]  # as Lua writes an empty list: of what this one has taken it gives nothing back
    until = store.now() + 60_000
    store.set_blocks({"a" * 32: until})
    assert int(server.command("HGET", f"otp:n:{'a' * 32}", "b")) == until
