"""From a committed send to a provider and back to a record."""

import logging
import threading

import pytest
from django.db import connections

from otp_app import phones, services, stores
from otp_app.challenges import Grant, Status
from otp_app.delivery import dispatch, executor, records
from otp_app.errors import DeliveryFailed, Limited, UndeliverablePhone
from otp_app.limits import request_limits
from otp_app.models import Delivery
from otp_app.providers.base import Message, NotAccepted, Receipt, Rejected, Unknown
from tests.factories import new_phone
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_accepted_message_is_recorded_with_its_reference(remote):
    challenge = services.send_code(phone=new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    assert (delivery.provider, delivery.status, delivery.reference) == ("remote", "sent", "remote-1")
    assert str(delivery) == "sms sent"


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [
        (Rejected("21211"), UndeliverablePhone, Status.CANCELED),
        (NotAccepted("20429"), DeliveryFailed, Status.CANCELED),
        (Unknown("20500"), None, Status.PENDING),
    ],
)
def test_each_failure_has_its_outcome(remote, error, raised, status):
    remote.fail(error)
    phone = new_phone()
    if raised:
        with pytest.raises(raised):
            services.send_code(phone=phone)
    else:
        services.send_code(phone=phone)
    delivery = Delivery.objects.get()
    assert delivery.error == error.reason
    assert stores.current().get(delivery.challenge.hex).status is status


def test_an_error_that_nobody_foresaw_is_unknown_and_its_text_is_not_logged(remote, caplog, settings):
    settings.OTP_CODE_LENGTH = 10  # so that a code that is found somewhere is not there by chance
    seen = []

    def fail(message: Message):
        seen.append(message.code)
        raise RuntimeError(message.body)

    remote.behave(fail)
    caplog.set_level(logging.DEBUG)
    services.send_code(phone=new_phone())
    assert (Delivery.objects.get().status, Delivery.objects.get().error) == ("unknown", "RuntimeError")
    assert seen[0] not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_provider_that_hangs_is_left_at_the_deadline(remote, settings):
    settings.OTP_PROVIDER_DEADLINE = 2
    remote.hang()
    challenge = services.send_code(phone=new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    assert (delivery.status, delivery.error) == ("unknown", "deadline")


def test_when_too_many_calls_hang_the_next_send_is_refused_at_once_and_given_back(remote, settings):
    settings.OTP_CIRCUIT_FAILURES = 100
    settings.OTP_PROVIDER_DEADLINE = 2
    settings.OTP_PROVIDER_CALLS = 2
    remote.hang()
    services.send_code(phone=new_phone())
    services.send_code(phone=new_phone())
    phone = new_phone()
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            services.send_code(phone=phone)
    assert set(Delivery.objects.filter(status="failed").values_list("error", flat=True)) == {"stuck"}
    remote.release.set()
    remote.work()
    settings.OTP_PROVIDER_DEADLINE = 30
    for _ in range(3000):  # until its threads are back
        try:
            services.send_code(phone=phone)
            break
        except DeliveryFailed:
            threading.Event().wait(0.02)
    assert Delivery.objects.filter(status="sent").count() == 1


@pytest.mark.parametrize(("error", "left"), [(NotAccepted("503"), 0), (Rejected("21211"), 1)])
def test_an_outage_is_no_sign_of_an_attack_and_a_number_at_fault_may_be(remote, each_store, settings, error, left):
    settings.OTP_CIRCUIT_FAILURES = 100
    remote.fail(error)
    for _ in range(3 if left else 30):
        with pytest.raises((DeliveryFailed, UndeliverablePhone)):
            services.send_code(phone="+998901234567", client="192.0.2.1")
    limits = request_limits.for_send("+998901234567", "192.0.2.1", checks=5)
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits.limits, phone="+998901234567")}
    assert used["unconverted_per_prefix_day"] == used["unconverted_per_region_day"] == 3 * left
    assert used["unconverted_per_subnet_day"] == used["sends_per_prefix_day"] == 3 * left
    assert used["sends_per_phone_day"] == 0


@pytest.mark.parametrize("failures", [5, 100])  # with the circuit opened by the first of them, or closed all along
def test_i13_an_outage_uses_up_nothing_of_a_country_or_of_all(client, remote, each_store, settings, clock, failures):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = settings.OTP_UNCONVERTED_PER_REGION_DAY = 40
    settings.OTP_CIRCUIT_FAILURES = failures

    def send():
        body = {"phone": new_phone()}
        return client.post("/api/send-otp/", body, content_type="application/json").status_code

    remote.fail(NotAccepted("503"))
    assert [send() for _ in range(41)] == [503] * 41
    assert len(remote.sent) == min(failures, 41)
    remote.work()
    clock.advance(31)
    assert send() == 200
    assert Delivery.objects.filter(status="sent").count() == 1


def test_phones_are_masked_in_the_log(remote, caplog):
    caplog.set_level(logging.DEBUG)
    phone = new_phone()
    services.send_code(phone=phone)
    assert phone not in caplog.text
    assert phones.mask(phone) in caplog.text


@pytest.fixture
def held(monkeypatch):
    """Whether a transaction was open, for each call of a provider."""
    found, call = [], executor.call

    def watched(*args, **options):
        found.append(connections[records.database()].in_atomic_block)
        return call(*args, **options)

    monkeypatch.setattr(executor, "call", watched)
    return found


def test_a_delivery_costs_three_statements_and_holds_no_transaction_while_it_waits(
    remote, queued, held, django_assert_num_queries
):
    with django_assert_num_queries(3):  # what is held back or open, taking it on, its end
        dispatch.dispatch(Grant(queued, queued.created_at, 0))
    assert held == [False]


def test_a_failover_holds_no_transaction_while_it_waits(queued, held):
    with remotes("one", "two") as remote:
        remote.fail(NotAccepted("503"), "one")
        dispatch.deliver(queued.id)
    assert held == [False, False]


def test_i5_a_send_that_was_refused_is_no_delivery(remote, each_store, settings):
    phone = new_phone()
    services.send_code(phone=phone)
    remote.sent.clear()
    before = Delivery.objects.count()
    with pytest.raises(Limited):
        services.send_code(phone=phone)
    assert remote.sent == []
    assert Delivery.objects.count() == before


def test_i7_the_code_is_in_no_row_and_no_line_of_the_log(remote, caplog, settings):
    settings.OTP_CODE_LENGTH = 10  # so that a code that is found somewhere is not there by chance
    caplog.set_level(logging.DEBUG)
    remote.behave(lambda message: Receipt("theirs"))
    services.send_code(phone=new_phone())
    code = remote.sent[0][1].code
    assert code not in caplog.text
    assert code not in str(list(Delivery.objects.values_list("reference", "error", "provider")))
