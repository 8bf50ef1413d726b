"""Numbers that get no message for a while."""

import logging

import pytest

from otp_app import services, stores
from otp_app.accounts import devices
from otp_app.challenges import Status
from otp_app.db import clock as clocks
from otp_app.delivery import suppressions
from otp_app.errors import Limited, UndeliverablePhone
from otp_app.limits import request_limits
from otp_app.models import ChallengeRow, Counter, Delivery
from otp_app.providers.base import Blocked, Rejected, Unreachable
from otp_app.stores.purge import purge_records
from tests.factories import new_phone
from tests.remote import remotes

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture
def remote(clock):
    with remotes("one", "two", routes={"*": {"sms": ["one", "two"], "telegram": ["two"]}}) as providers:
        yield providers


def refused(phone, **how):
    with pytest.raises(UndeliverablePhone) as error:
        services.send_code(phone=phone, **how)
    return error.value


def reject(remote, error, phone=None, **how):
    phone = phone or new_phone()
    remote.fail(error, "one")
    refusal = refused(phone, **how)
    remote.work("one")
    remote.sent.clear()
    return phone, refusal


@pytest.mark.django_db(transaction=True)  # the block is shared with the store after the commit
def test_a_number_bad_for_good_gets_nothing_more_for_a_day_on_any_channel(remote, each_store, clock):
    phone, first = reject(remote, Rejected("21610"))
    for channel in ("", "sms", "telegram"):
        again = refused(phone, channel=channel)
        assert (again.code, again.status, str(again.detail), again.retry_after) == (
            first.code,
            first.status,
            str(first.detail),
            first.retry_after,
        )
    assert remote.sent == []
    newest = Delivery.objects.order_by("-pk")[0]
    assert (newest.status, newest.error, newest.provider, newest.claimed_at) == ("failed", "suppressed", "", 0)
    assert each_store.get(newest.challenge.hex).status is Status.CANCELED
    clock.advance(DAY - 60)
    refused(phone)
    clock.advance(61)
    services.send_code(phone=phone)
    assert remote.asked() == ["one"]


def test_a_number_out_of_reach_of_one_channel_is_asked_by_the_others(remote, clock):
    phone, _ = reject(remote, Unreachable("63003"))
    refused(phone)
    assert remote.sent == []
    services.send_code(phone=phone, channel="telegram")
    assert remote.asked() == ["two"]
    clock.advance(DAY + 1)
    services.send_code(phone=phone)
    assert remote.asked() == ["two", "one"]


def test_a_suspicion_of_fraud_holds_nothing_back(remote):
    phone, _ = reject(remote, Blocked("30450"))
    services.send_code(phone=phone)
    assert remote.asked() == ["one"]


def test_no_other_number_is_suppressed(remote):
    reject(remote, Rejected("21610"))
    services.send_code(phone=new_phone())
    assert remote.asked() == ["one"]


@pytest.mark.parametrize("error", [Rejected("21610"), Unreachable("63003")])
def test_an_operator_lifts_all_of_a_number(remote, error):
    phone, _ = reject(remote, error)
    assert suppressions.lift(new_phone()) == 0
    assert suppressions.lift(phone) == 1
    assert suppressions.lift(phone) == 0
    services.send_code(phone=phone)
    assert remote.asked() == ["one"]


@pytest.mark.django_db(transaction=True)
def test_a_suppressed_number_is_no_free_probe(remote, each_store, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 4
    phone, _ = reject(remote, Rejected("21610"), client="192.0.2.1")
    for _ in range(3):
        refused(phone, client="192.0.2.1")
    with pytest.raises(Limited) as limited:
        services.send_code(phone=phone, client="192.0.2.1")
    assert limited.value.limit == "unconverted_per_subnet_day"
    limits = request_limits.for_send(phone, "192.0.2.1", checks=5).limits
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits, phone=phone)}
    assert used["unconverted_per_region_day"] == used["unconverted_per_prefix_day"] == used["sends_per_prefix_day"] == 4
    assert used["sends_per_phone_day"] == used["wait_per_phone"] == 0


def test_a_known_device_is_suppressed_too(remote, clock, outbox):
    phone = new_phone()
    services.send_code(phone=phone)
    done = services.sign_in(phone=phone, code=remote.sent[-1][1].code)
    assert devices.recognise(phone, done.device)
    clock.advance(1)
    reject(remote, Rejected("21610"), phone, device=done.device)
    refused(phone, device=done.device)
    refused(phone)
    assert remote.sent == []


def test_a_test_number_is_never_suppressed(remote, settings):
    phone, _ = reject(remote, Rejected("21610"))
    settings.OTP_TEST_NUMBERS = {phone: {"code": "246810"}}
    services.send_code(phone=phone)
    assert Delivery.objects.order_by("-pk")[0].provider == "test"


def test_a_second_send_that_is_suppressed_leaves_the_challenge_open(remote, clock):
    phone = new_phone()
    challenge = services.send_code(phone=phone).challenge
    code = remote.sent[-1][1].code
    clock.advance(60)
    suppressions.suppress(phone, "")
    refused(phone, challenge_id=challenge.id)
    left = stores.current().get(challenge.id)
    assert (left.status, left.sent_at) == (Status.PENDING, challenge.sent_at)
    assert services.verify_code(phone=phone, code=code, challenge_id=challenge.id)


def test_a_purge_loses_no_suppression_before_its_end(remote, clock):
    phone, _ = reject(remote, Rejected("21610"))
    clock.advance(DAY - 60)
    purge_records("default", clocks.read_now("default"))
    refused(phone)
    assert remote.sent == []
    before = Counter.objects.count()
    clock.advance(61 + 2 * 3600)  # expiry is rounded up to whole hours
    purge_records("default", clocks.read_now("default"))
    assert Counter.objects.count() < before


def test_one_that_holds_is_not_prolonged_by_another(remote, clock):
    phone = new_phone()
    suppressions.suppress(phone, "")
    clock.advance(DAY - 60)
    suppressions.suppress(phone, "")
    clock.advance(61)
    services.send_code(phone=phone)


def test_the_table_holds_no_number(remote, caplog):
    caplog.set_level(logging.DEBUG)
    phone, _ = reject(remote, Rejected("21610"))
    assert phone not in caplog.text
    ChallengeRow.objects.all().delete()
    assert phone[1:] not in str([vars(row) for row in Counter.objects.all()])
