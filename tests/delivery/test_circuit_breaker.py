"""Providers that keep failing are called by no process for a while."""

import logging

import pytest

from otp_app import counters, services, stores
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, records
from otp_app.errors import DeliveryFailed, UndeliverablePhone
from otp_app.limits import request_limits
from otp_app.models import Counter, Delivery
from otp_app.providers.base import Blocked, NotAccepted, Rejected, Unknown, Unreachable
from otp_app.stores.purge import purge_records
from tests.factories import new_phone
from tests.races import race
from tests.remote import once_others_were_asked, remotes

pytestmark = pytest.mark.django_db

ROUTE = {"*": {"sms": ["one", "two"]}}
FAILURES, PAUSE = 5, 30  # the defaults


@pytest.fixture
def remote(clock):
    with remotes("one", "two", routes=ROUTE) as providers:
        yield providers


@pytest.fixture
def alone(clock):
    with remotes("one") as providers:
        yield providers


def send():
    services.send_code(phone=new_phone())


def send_all(times):
    for _ in range(times):
        send()


def is_open(alias="one"):
    blocked = counters.blocks(records.database(), [circuit_breaker.key_of(alias)])
    return any(until > clocks.read_now(records.database()) for until in blocked.values())


def break_it(remote, error=None):
    remote.fail(error or NotAccepted("503"), "one")
    send_all(FAILURES)
    remote.sent.clear()


# opening


@pytest.mark.parametrize("error", [NotAccepted("503"), Unknown("timeout")])
def test_the_fifth_failure_opens_a_circuit_and_the_next_sends_go_by_the_next_provider(remote, error, caplog):
    remote.fail(error, "one")
    send_all(FAILURES - 1)
    assert not is_open()
    send()
    assert is_open()
    assert not is_open("two")
    assert [record.getMessage() for record in caplog.records if record.name == "otp_app.circuits"] == [
        "circuit opened for provider one"
    ]
    remote.sent.clear()
    send_all(3)
    assert remote.asked() == ["two"] * 3
    newest = Delivery.objects.order_by("-pk")[:3]
    assert {(row.provider, row.handover, row.status) for row in newest} == {("two", 1, "sent")}


def test_failures_count_for_half_a_minute(remote, clock):
    remote.fail(NotAccepted("503"), "one")
    send_all(FAILURES - 1)
    clock.advance(30 + 30 / 24)  # the oldest sub-bucket counts whole
    send_all(FAILURES - 1)
    assert not is_open()
    send()
    assert is_open()


def test_failures_of_different_seconds_add_up(remote, clock):
    remote.fail(NotAccepted("503"), "one")
    for _ in range(FAILURES):
        assert not is_open()
        send()
        clock.advance(3)
    assert is_open()


@pytest.mark.parametrize("error", [Rejected("21211"), Unreachable("63003"), Blocked("30450")])
def test_a_number_at_fault_says_nothing_about_a_provider(remote, error):
    remote.fail(error, "one")
    for _ in range(2 * FAILURES):
        with pytest.raises(UndeliverablePhone):
            send()
    assert not is_open()
    assert set(remote.asked()) == {"one"}


def test_a_call_that_was_not_tried_says_nothing_about_a_provider(remote, settings):
    challenge = services.send_code(phone=new_phone()).challenge
    settings.OTP_PROVIDER_DEADLINE = 0
    for _ in range(2 * FAILURES):
        with pytest.raises(DeliveryFailed):
            send()
    assert remote.asked() == ["one"]
    assert not is_open()
    assert stores.current().get(challenge.id)


def test_both_providers_of_a_failover_are_counted(remote):
    remote.fail(NotAccepted("503"), "one")
    remote.fail(NotAccepted("503"), "two")
    for _ in range(FAILURES):
        with pytest.raises(DeliveryFailed):
            send()
    assert is_open("one")
    assert is_open("two")


@pytest.mark.django_db(transaction=True)
def test_failures_at_once_open_it_once(clock, caplog):
    race(lambda _: circuit_breaker.record_failure("one"), 12)
    assert is_open()
    assert len([record for record in caplog.records if "opened" in record.getMessage()]) == 1


# all open


def test_with_all_circuits_open_nothing_is_sent_and_all_is_given_back(alone, each_store, clock):
    alone.fail(NotAccepted("503"), "one")
    phone = new_phone()
    limits = request_limits.for_send(phone, "192.0.2.1", checks=5)
    for number in range(FAILURES + 2):
        with pytest.raises(DeliveryFailed) as failed:
            services.send_code(phone=phone, client="192.0.2.1")
        assert failed.value.retry_after in ((5,) if number < FAILURES - 1 else range(6, PAUSE + 1))
    assert len(alone.sent) == FAILURES
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits.limits, phone=phone)}
    assert set(used.values()) == {0}
    assert Delivery.objects.filter(status="failed", error="no_provider", claimed_at=0).count() == 2
    clock.advance(PAUSE - 15)
    with pytest.raises(DeliveryFailed) as failed:
        send()
    assert 5 <= failed.value.retry_after <= 15


def test_the_pause_is_that_of_the_first_to_be_asked_again(clock):
    assert circuit_breaker.seconds_until_retry([]) == circuit_breaker.seconds_until_retry(["one", "two"]) == 0
    for _ in range(FAILURES):
        circuit_breaker.record_failure("one")
    clock.advance(15)
    assert circuit_breaker.seconds_until_retry(["one", "two"]) == 0
    for _ in range(FAILURES):
        circuit_breaker.record_failure("two")
    assert (
        0
        < circuit_breaker.seconds_until_retry(["one", "two"])
        <= PAUSE - 15
        < circuit_breaker.seconds_until_retry(["two"])
        <= PAUSE
    )
    clock.advance(PAUSE)
    assert circuit_breaker.seconds_until_retry(["one", "two"]) == 0


# half-open


def test_after_the_pause_one_message_tries_it_and_a_success_closes_it(remote, clock, caplog):
    caplog.set_level(logging.INFO)
    break_it(remote)
    clock.advance(PAUSE - 20)
    send()
    assert remote.asked() == ["two"]
    clock.advance(20)
    remote.work("one")
    send_all(2)
    assert remote.asked() == ["two", "one", "one"]
    assert "circuit closed for provider one" in caplog.text
    remote.fail(NotAccepted("503"), "one")
    send_all(FAILURES - 1)
    assert not is_open()  # what led to it is forgotten


def test_a_success_forgets_the_failures_that_led_to_it(remote, clock, settings):
    settings.OTP_CIRCUIT_PAUSE = 5  # shorter than they would count
    break_it(remote)
    clock.advance(6)
    remote.work("one")
    send()
    remote.fail(NotAccepted("503"), "one")
    send_all(FAILURES - 1)
    assert not is_open()


@pytest.mark.parametrize("error", [NotAccepted("503"), Unknown("timeout")])
def test_after_the_pause_a_failure_opens_it_again_at_once(remote, clock, error):
    break_it(remote)
    remote.fail(error, "one")
    for _ in range(3):
        clock.advance(PAUSE + 1)
        send_all(3)
        assert remote.asked().count("one") == 1
        remote.sent.clear()


@pytest.mark.parametrize("error", [Rejected("21211"), Unreachable("63003"), Blocked("30450")])
def test_a_provider_that_refuses_a_number_answers_again(remote, clock, error):
    """Otherwise a stranger who asks for bad numbers all the time would keep a circuit open."""
    break_it(remote)
    clock.advance(PAUSE + 1)
    remote.fail(error, "one")
    with pytest.raises(UndeliverablePhone):
        send()
    assert not is_open()
    remote.work("one")
    send_all(2)
    assert remote.asked() == ["one"] * 3


def test_a_probe_that_was_not_tried_leaves_it_open_for_another_pause(remote, clock, settings):
    break_it(remote)
    clock.advance(PAUSE + 1)
    settings.OTP_PROVIDER_DEADLINE = 0
    with pytest.raises(DeliveryFailed):
        send()
    settings.OTP_PROVIDER_DEADLINE = 10
    remote.work("one")
    send()
    clock.advance(PAUSE + 1)
    send_all(2)
    assert remote.asked() == ["two", "one", "one"]


@pytest.mark.django_db(transaction=True)
def test_of_twenty_sends_at_once_one_tries_it(remote, clock, settings):
    settings.OTP_PROVIDER_CALLS = 20
    break_it(remote)
    clock.advance(PAUSE + 1)
    settings.OTP_PROVIDER_DEADLINE = 120

    remote.behave(once_others_were_asked(remote, "two", 19), "one")
    results = race(lambda _: send(), 20)
    assert results == [None] * 20
    assert sorted(remote.asked()) == ["one"] + ["two"] * 19


def test_while_a_half_open_circuit_is_tried_others_are_told_to_wait(alone, clock):
    for _ in range(FAILURES):
        circuit_breaker.record_failure("one")
    clock.advance(PAUSE + 1)
    now = clocks.read_now(records.database())
    (until,) = counters.blocks(records.database(), [circuit_breaker.key_of("one")]).values()
    assert circuit_breaker.may_carry("one", now, until)
    assert not circuit_breaker.may_carry("one", now, until)  # who looked before it was taken
    with pytest.raises(DeliveryFailed) as failed:
        send()
    assert 5 < failed.value.retry_after <= PAUSE
    assert alone.sent == []


# what is kept


@pytest.mark.parametrize("seconds", [PAUSE - 20, PAUSE + 60])
def test_a_purge_loses_no_circuit_that_is_open_or_has_to_be_tried(remote, clock, seconds):
    break_it(remote)
    clock.advance(seconds)
    purge_records("default", clocks.read_now("default"))
    remote.fail(NotAccepted("503"), "one")
    send_all(2)
    assert remote.asked().count("one") == (seconds > PAUSE)


def test_a_circuit_that_nobody_asked_for_an_hour_is_closed(remote, clock):
    break_it(remote)
    clock.advance(3 * 3600)  # a row expires at a whole hour
    purge_records("default", clocks.read_now("default"))
    assert not Counter.objects.filter(key=circuit_breaker.key_of("one")).exists()
    remote.work("one")
    send_all(2)
    assert remote.asked() == ["one", "one"]


def test_a_circuit_is_in_the_database_whichever_store_the_challenges_are_in(remote, each_store):
    break_it(remote)
    assert Counter.objects.get(key=circuit_breaker.key_of("one")).blocked_until
    send()
    assert remote.asked() == ["two"]
