"""A Redis server that lost its data: what counts still, because the database remembers it."""

import json
from decimal import Decimal

import pytest
from django.db import OperationalError

from otp_app.challenges import Status, random_id
from otp_app.delivery import records
from otp_app.errors import InvalidOrExpiredCode, Unavailable
from otp_app.models import Delivery
from otp_app.stores import redis as redis_store
from otp_app.stores.redis import recovery
from otp_app.stores.redis import server as redis_server
from otp_app.stores.sql import SqlStore
from tests.asking import check, sending
from tests.factories import new_challenge, new_phone
from tests.races import race

from .redis_calls import DAY, HOUR, NOTHING, again, guess_wrong, open_one, refusal_of, used

pytestmark = pytest.mark.django_db


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
    limits = [
        limit for limit in request_limits.limits if limit.name in ("sends_per_phone_day", "unconverted_per_region_day")
    ]
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


def test_what_counts_of_a_country_and_of_devices_holds_through_a_flush(store, server, clock):
    opened = [open_one(store) for _ in range(4)]
    open_one(store, device="a device")
    store.close(check(store, opened[0]), Status.APPROVED)
    store.settle()  # tells the database of the success, as each sweep does
    clock.advance(2 * HOUR)
    opened.append(open_one(store))
    tested = {"challenge": random_id(), "sent_at": store.now(), "region": "UZ", "channel": "sms", "provider": "test"}
    Delivery.objects.create(**tested)  # to a test number
    names = ("answered_in_region", "unconverted_per_region_day")
    limits = [limit for limit in sending(opened[0]).limits if limit.name in names]
    devices = [limit for limit in sending(new_challenge(device="d")).limits if limit.name == "device_sends_per_day"]
    before = store.usage([*limits, *devices])
    assert [usage.used for usage in before] == [1, 4, 1]
    server.flush()
    assert store.usage([*limits, *devices]) == before
    clock.advance(22 * HOUR - 60)
    assert [usage.used for usage in store.usage(limits)] == [1, 4]
    clock.advance(HOUR + 60)  # the first sub-bucket is gone, wherever in it the first sends were
    server.flush()
    assert [usage.used for usage in store.usage(limits)] == [1, 1]


def test_what_the_second_provider_carried_is_answered_through_a_flush(store, server):
    """Though no success has followed what the first was asked for."""
    opened = open_one(store)
    records.claim(opened, "one")
    records.pass_on(opened, "503", "two")
    records.end(opened, 2, "sent", segments=1)
    store.close(check(store, opened), Status.APPROVED)
    store.settle()
    names = ("answered_in_region", "unconverted_per_region_day")
    limits = [limit for limit in sending(opened).limits if limit.name in names]
    assert used(store, *limits) == [1, 0]
    server.flush()
    assert used(store, *limits) == [1, 0]


def test_known_devices_have_after_a_flush_what_their_answered_messages_earned(store, server, settings):
    settings.OTP_DEVICE_SENDS_PER_DAY = 1
    for _ in range(3):
        opened = open_one(store, device="a device")
        store.close(check(store, opened), Status.APPROVED)
        settings.OTP_DEVICE_SENDS_PER_DAY += 1
    store.settle()
    limits = [limit for limit in sending(new_challenge(device="d")).limits if limit.key]
    before = [(usage.used, usage.amount) for usage in store.usage(limits)]
    assert before == [(3, 0), (3, 4 + 300 * 3 // 700)]
    server.flush()
    assert [(usage.used, usage.amount) for usage in store.usage(limits)] == before


def test_the_money_of_a_day_is_spent_through_a_flush(store, server, clock, settings):
    settings.OTP_BUDGET_PER_DAY = 1
    price = Decimal("0.3")
    for device in ("", "", "a device"):
        challenge = new_challenge(device=device)
        opened = store.open(challenge, sending(challenge, price=price)).challenge
        Delivery.objects.filter(challenge=opened.id).update(status="sent", segments=1, price=price)
    limits = [limit for limit in sending(challenge, price=price).limits if limit.name == "budget_per_day"]
    assert used(store, *limits) == [9000]
    server.flush()
    assert used(store, *limits) == [9000]
    refused = new_challenge()
    assert refusal_of(lambda: store.open(refused, sending(refused, price=price))).limit == "budget_per_day"
    clock.advance(DAY + 2 * HOUR)
    server.flush()
    assert used(store, *limits) == [0]


def test_for_a_day_after_a_flush_nobody_is_a_stranger(store, server, clock, settings):
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
    settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]
    open_one(store, client="192.0.2.1")
    server.flush()
    for number in range(3):
        open_one(store, client=f"{number + 1}.0.2.1")
    clock.advance(DAY + HOUR)
    open_one(store, client="7.0.2.1")
    assert refusal_of(lambda: open_one(store, client="8.0.2.1")).limit == "unconverted_of_strangers_day"


def test_for_a_day_after_the_first_release_with_rings_nobody_is_a_stranger(store, server, clock, settings):
    """The release before has begun the generation, long ago, and counted networks under other names."""
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
    settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]
    open_one(store, client="192.0.2.1")
    generation = json.loads(server.command("GET", "otp:generation"))
    server.flush()
    del generation["rings"]
    server.command("SET", "otp:generation", json.dumps(generation | {"since": 0, "complete": True}))
    for number in range(3):
        open_one(store, client=f"{number + 1}.0.2.1")
    clock.advance(DAY + HOUR)
    open_one(store, client="7.0.2.1")
    assert refusal_of(lambda: open_one(store, client="8.0.2.1")).limit == "unconverted_of_strangers_day"


def test_of_a_day_only_what_may_have_left_counts_through_a_flush(store, server):
    """By one provider, or by the second that was asked."""
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
    limits = [limit for limit in sending(sent).limits if limit.name == "unconverted_per_region_day"]
    assert used(store, *limits) == [2]
    server.flush()
    assert used(store, *limits) == [2]


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
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 10
    open_one(store)
    for _ in range(3):
        server.flush()
        race(lambda _: open_one(store), 6)
    assert Delivery.objects.count() == 10


def test_who_comes_late_to_begin_a_generation_changes_nothing(store, server):
    opened = open_one(store)
    limits = [limit for limit in sending(opened).limits if limit.name == "unconverted_per_region_day"]
    begun = server.command("GET", "otp:generation")
    again(store, opened, NOTHING)
    store.undo_send(store.get(opened.id))
    redis_store._begin_generation(redis_server.current(), store.now())
    assert server.command("GET", "otp:generation") == begun
    assert used(store, *limits) == [1]


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
