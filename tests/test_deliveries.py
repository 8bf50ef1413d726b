"""From a committed send to a provider and back to a record."""

import logging
import threading

import pytest

from otp_app import deliveries, demands, providers, services, stores
from otp_app.challenges import Status
from otp_app.errors import DeliveryFailed, UndeliverablePhone
from otp_app.models import Delivery
from otp_app.providers.base import Message, NotAccepted, Receipt, Rejected, Unknown
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)

release = threading.Event()


class RemoteProvider:
    """Stands for any provider on the network; ``behave`` says how its ``send`` ends."""

    channels = frozenset({"sms"})
    behave = staticmethod(lambda message: Receipt("remote-1", 1))

    def send(self, message):
        return self.behave(message)


@pytest.fixture
def remote(settings, monkeypatch):
    """Chooses the provider above; the test tells how it behaves."""
    path = f"{__name__}.RemoteProvider"
    monkeypatch.setattr(deliveries, "provider_settings", lambda: {"BACKEND": path})
    monkeypatch.setattr(providers, "current", lambda: ("remote", RemoteProvider()))
    deliveries._pool.cache_clear()
    release.clear()
    yield lambda behave: monkeypatch.setattr(RemoteProvider, "behave", staticmethod(behave))
    release.set()
    _slots, pool = deliveries._pool(settings.OTP_PROVIDER_CALLS)
    pool.shutdown(wait=True)
    deliveries._pool.cache_clear()


def hang(message):
    release.wait(30)
    return Receipt()


def fails_with(error):
    def fail(message):
        raise error

    return fail


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
    remote(fails_with(error))
    phone = new_phone()
    if raised:
        with pytest.raises(raised):
            services.send_code(phone=phone)
    else:
        services.send_code(phone=phone)
    delivery = Delivery.objects.get()
    assert delivery.error == error.reason
    assert stores.current().get(delivery.challenge.hex).status is status


def test_an_error_that_nobody_foresaw_is_unknown_and_its_text_is_not_logged(remote, caplog):
    seen = []

    def fail(message: Message):
        seen.append(message.code)
        raise RuntimeError(message.body)

    remote(fail)
    caplog.set_level(logging.DEBUG)
    services.send_code(phone=new_phone())
    assert (Delivery.objects.get().status, Delivery.objects.get().error) == ("unknown", "RuntimeError")
    assert seen[0] not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_provider_that_hangs_is_left_at_the_deadline(remote, settings):
    settings.OTP_PROVIDER_DEADLINE = 0.2
    remote(hang)
    challenge = services.send_code(phone=new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    assert (delivery.status, delivery.error) == ("unknown", "deadline")


def test_when_too_many_calls_hang_the_next_send_is_refused_at_once_and_given_back(remote, settings):
    settings.OTP_PROVIDER_DEADLINE = 0.1
    settings.OTP_PROVIDER_CALLS = 2
    remote(hang)
    services.send_code(phone=new_phone())
    services.send_code(phone=new_phone())
    phone = new_phone()
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            services.send_code(phone=phone)
    assert set(Delivery.objects.filter(status="failed").values_list("error", flat=True)) == {"busy"}
    release.set()
    remote(lambda message: Receipt())
    settings.OTP_PROVIDER_DEADLINE = 5
    for _ in range(50):
        try:
            services.send_code(phone=phone)
            break
        except DeliveryFailed:
            threading.Event().wait(0.02)
    assert Delivery.objects.filter(status="sent").count() == 1


@pytest.mark.parametrize(("error", "left"), [(NotAccepted("503"), 0), (Rejected("21211"), 1)])
def test_an_outage_is_no_sign_of_an_attack_and_a_number_at_fault_may_be(remote, each_store, error, left):
    remote(fails_with(error))
    for _ in range(3 if left else 30):
        with pytest.raises((DeliveryFailed, UndeliverablePhone)):
            services.send_code(phone="+998901234567", client="192.0.2.1")
    demand = demands.for_send("+998901234567", "192.0.2.1", checks=5)
    used = {usage.limit.name: usage.used for usage in each_store.usage(demand.limits, phone="+998901234567")}
    assert used["unconverted_per_prefix_hour"] == used["unconverted_per_day"] == 3 * left
    assert used["failures_per_day"] == 15 * left
    assert used["sends_per_client_hour"] == used["sends_per_region_day"] == (3 if left else 30)
    assert used["sends_per_phone_day"] == 0


def test_a_record_moves_only_forward_from_queued(remote):
    grant = services.send_code(phone=new_phone())
    deliveries._record(grant, "late", "failed", error="late")
    assert Delivery.objects.get().status == "sent"


def test_phones_are_masked_in_the_log(remote, caplog):
    caplog.set_level(logging.DEBUG)
    phone = new_phone()
    services.send_code(phone=phone)
    assert phone not in caplog.text
    assert phone[-4:] in caplog.text
