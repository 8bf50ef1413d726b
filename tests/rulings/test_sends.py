"""What an operator rules decides a send before the guard does."""

import logging

import pytest

from otp_app import rulings, services
from otp_app.accounts import devices
from otp_app.db import clock as instants
from otp_app.errors import Limited, ProofRequired
from otp_app.limits import request_limits
from otp_app.limits.values import RequestLimits
from otp_app.models import ChallengeRow, Counter
from otp_app.phones import Phone
from otp_app.rulings import sends
from tests.factories import new_phone
from tests.rulings.made import ruled

pytestmark = pytest.mark.django_db(transaction=True)

CLIENT = "192.0.2.77"


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.INFO, "otp_app.guard")
    return lambda: [record.otp for record in caplog.records if record.name == "otp_app.guard"]


def refused(phone, client=CLIENT, **more):
    with pytest.raises(Limited) as raised:
        services.send_code(phone=phone, client=client, **more)
    return raised.value


@pytest.fixture
def phone():
    return new_phone()


@pytest.fixture(params=["phone", "prefix", "short prefix", "network", "address", "region"])
def shut(request, phone):
    """A subject that a send to the phone, from CLIENT, belongs to."""
    subjects = {
        "phone": f"phone {phone}",
        "prefix": f"prefix {phone[:-4]}",
        "short prefix": f"prefix {phone[:6]}",
        "network": "network 192.0.0.0/16",
        "address": f"network {CLIENT}/32",
        "region": "region UZ",
    }
    return ruled(subjects[request.param]).subject


class TestShut:
    def test_its_sends_are_refused_before_anything_is_taken_in_one_record(self, shut, phone, outbox, records):
        error = refused(phone)
        assert (error.limit, error.retry_after, error.subject) == ("blocked", 24 * 3600, shut)
        assert not outbox
        assert not ChallengeRow.objects.exists()
        assert not Counter.objects.exists()
        (record,) = [each for each in records() if each["event"] == "limited"]
        assert (record["limit"], record["client"]) == ("blocked", CLIENT)
        assert record["subject"].split()[0] == shut.split()[0]
        assert phone not in str(records())

    def test_an_open_challenge_gets_no_second_message(self, phone, outbox, clock):
        challenge = services.send_code(phone=phone, client=CLIENT).challenge
        ruled("region UZ")
        clock.advance(3600)
        assert refused(phone, challenge_id=challenge.id).limit == "blocked"
        assert len(outbox) == 1

    def test_a_device_that_has_signed_in_is_refused_by_its_phone_alone(self, shut, phone, outbox):
        device = devices.issue(phone, instants.milliseconds())
        if shut.startswith("phone"):
            assert refused(phone, device=device).subject == shut
        else:
            services.send_code(phone=phone, client=CLIENT, device=device)

    def test_others_are_served(self, outbox):
        other = ["phone +998901112233", "prefix +7999", "network 198.51.100.0/24", "network 2001:db8::/32", "region KZ"]
        for subject in other:
            ruled(subject)
        services.send_code(phone="+998905556677", client=CLIENT)

    def test_what_has_no_address_belongs_to_no_network(self, outbox):
        ruled("network 0.0.0.0/0")
        for client in (None, "unknown"):
            services.send_code(phone=new_phone(), client=client)

    def test_a_network_of_ipv6_holds_its_clients(self, outbox):
        ruled("network 2001:db8::/48")
        assert refused(new_phone(), "2001:db8:0:7::/64").limit == "blocked"
        services.send_code(phone=new_phone(), client="2001:db8:1:7::/64")

    def test_the_wait_is_that_of_the_longest_block_until_its_end(self, phone):
        now = instants.milliseconds()
        ruled("region UZ", until=now + 60_000)
        ruled(f"prefix {phone[:-4]}", until=now + 600_000)
        assert 590 <= refused(phone).retry_after <= 600


def amounts_of(limits):
    return {limit.name: limit.amount for limit in limits}


class TestHeldOpen:
    def test_a_prefix_sends_what_it_is_held_open_for(self, settings, outbox):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = settings.OTP_SENDS_PER_PREFIX_DAY = 1
        ruled("prefix +9989077", "open", amount=3)
        for number in range(3):
            services.send_code(phone=f"+99890771000{number}", client=CLIENT)
        assert refused("+998907710009").subject == "prefix +99890771"

    @pytest.mark.parametrize(
        ("subject", "changed"),
        [
            ("prefix +99890123", {"unconverted_per_prefix_day", "sends_per_prefix_day"}),
            ("network 192.0.2.0/24", {"unconverted_per_subnet_day", "unconverted_per_network_day"}),
            ("region UZ", {"unconverted_per_region_day"}),
        ],
    )
    def test_the_amount_stands_in_place_of_those_of_its_buckets_alone(self, subject, changed):
        phone = Phone("+998901234567")
        taken = request_limits.for_send(phone, CLIENT, checks=5)
        held = amounts_of(sends.held_open(taken, [ruled(subject, "open", amount=7777)]).limits)
        before = amounts_of(taken.limits)
        assert {name for name, amount in held.items() if amount == 7777} == changed
        assert {name for name in held if before[name] != held[name]} == changed

    def test_whoever_asks_from_there_is_no_stranger(self):
        taken = request_limits.for_send(Phone("+998901234567"), CLIENT, checks=5)
        held = sends.held_open(taken, [ruled("network 192.0.2.0/24", "open", amount=5)])
        assert not any(limit.strangers for limit in held.limits)

    def test_of_two_networks_the_narrower_counts(self, settings, outbox):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1
        ruled("network 192.0.2.0/24", "open", amount=2)
        ruled("network 192.0.0.0/16", "open", amount=1)
        for _ in range(2):
            services.send_code(phone=new_phone(), client=CLIENT)
        assert refused(new_phone()).limit.startswith("unconverted_per_")


class TestWatched:
    @pytest.fixture
    def watched(self):
        ruled("region UZ", "watch")

    def test_what_would_be_refused_is_served_counted_and_recorded(self, watched, settings, outbox, records):
        settings.OTP_UNCONVERTED_PER_REGION_DAY = 2
        for _ in range(4):
            services.send_code(phone=new_phone(), client=CLIENT)
        assert len(outbox) == 4
        found = [each for each in records() if each["event"] != "ruled"]
        assert [(each["event"], each["limit"], each["subject"], each["client"]) for each in found] == [
            ("watched", "unconverted_per_region_day", "region UZ", CLIENT)
        ] * 2

    def test_a_proof_that_would_be_asked_for_is_recorded_instead(self, watched, settings, outbox, records):
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_REGION_DAY = True, 1
        services.send_code(phone=new_phone(), client=CLIENT)
        assert records()[-1]["event"] == "watched"

    def test_the_limits_of_the_phone_and_of_everybody_refuse_as_before(self, watched, phone, outbox, records):
        services.send_code(phone=phone, client=CLIENT)
        assert refused(phone).limit == "wait_per_phone"

        def ask(_limits):
            raise Limited("budget_per_day", 60, subject="all all")

        with pytest.raises(Limited):
            rulings.decide(Phone(phone), CLIENT, RequestLimits(), ask)
        assert "watched" not in str(records())

    def test_other_regions_are_refused_as_before(self, settings, outbox):
        ruled("region KZ", "watch")
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_REGION_DAY = True, 1
        with pytest.raises(ProofRequired):
            services.send_code(phone=new_phone(), client=CLIENT)
