"""Which providers carry messages to a country."""

from decimal import Decimal

import pytest

from otp_app import phones, services
from otp_app.delivery import routing
from otp_app.errors import ChannelNotOffered, RegionNotAllowed
from otp_app.models import ChallengeRow, Counter, Delivery
from tests.factories import new_phone
from tests.remote import remotes

UZ, KZ, US = "+998901234567", "+77011234567", "+12025550123"


def channels(phone):
    return routing.channels(phones.as_phone(phone))


def aliases(phone, channel):
    return routing.aliases(phones.as_phone(phone), channel)


ROUTES = {
    "UZ": {"sms": ["two", "one"], "telegram": ["one"]},
    "US": {},
    "*": {"whatsapp": ["one"], "call": []},
}


class OnlyCalls:
    """A provider that carries no SMS."""

    channels = frozenset({"call"})


@pytest.fixture
def remote():
    with remotes("one", "two", routes=ROUTES) as providers:
        yield providers


@pytest.mark.usefixtures("remote")
class TestRoutes:
    def test_a_country_has_the_channels_and_the_order_of_its_own_entry(self):
        assert channels(UZ) == ["sms", "telegram"]
        assert aliases(UZ, "sms") == ["two", "one"]
        assert aliases(UZ, "telegram") == ["one"]

    def test_its_own_entry_replaces_that_of_the_rest_as_a_whole(self):
        assert aliases(UZ, "whatsapp") == []

    def test_a_country_without_an_entry_has_that_of_the_rest(self):
        assert channels(KZ) == ["whatsapp"]
        assert aliases(KZ, "whatsapp") == ["one"]

    def test_an_empty_entry_switches_a_country_off(self):
        assert channels(US) == []

    def test_a_channel_without_providers_is_not_on_offer(self):
        assert "call" not in channels(KZ)

    def test_a_number_of_no_country_has_the_entry_of_the_rest(self):
        assert channels("+99901234567") == ["whatsapp"]

    def test_an_outbox_file_replaces_every_provider_and_no_route(self, settings):
        settings.OTP_OUTBOX_FILE = "outbox"
        assert channels(UZ) == ["sms", "telegram"]
        assert aliases(UZ, "sms") == aliases(UZ, "telegram") == ["file"]
        assert aliases(UZ, "whatsapp") == []
        assert channels(US) == []


def test_without_an_entry_for_the_rest_other_countries_have_none():
    with remotes("one", routes={"UZ": {"sms": ["one"]}}):
        assert channels(KZ) == []


def test_without_routes_those_that_carry_sms_do_so_everywhere_in_their_order(settings):
    remote = {"BACKEND": "tests.remote.RemoteProvider"}
    calls = {"ALIAS": "calls", "BACKEND": f"{__name__}.OnlyCalls"}
    settings.OTP_PROVIDERS = [calls, remote | {"ALIAS": "one"}, remote | {"ALIAS": "two"}]
    assert [channels(phone) for phone in (UZ, KZ, US)] == [["sms"]] * 3
    assert aliases(KZ, "sms") == ["one", "two"]
    assert aliases(KZ, "call") == []


def test_without_routes_and_a_provider_of_sms_nothing_is_on_offer(settings):
    settings.OTP_PROVIDERS = [{"ALIAS": "voice", "BACKEND": f"{__name__}.OnlyCalls"}]
    assert channels(UZ) == []


def test_without_routes_an_outbox_file_takes_all(settings):
    settings.OTP_OUTBOX_FILE = "outbox"
    assert aliases(UZ, "sms") == ["file"]


# at the front door


@pytest.mark.django_db
@pytest.mark.usefixtures("remote")
class TestChannels:
    def test_who_names_none_gets_the_first_and_who_names_one_gets_that(self):
        assert services.send_code(phone=new_phone()).challenge.channel == "sms"
        assert services.send_code(phone=new_phone(), channel="telegram").challenge.channel == "telegram"
        assert list(Delivery.objects.order_by("pk").values_list("channel", "provider")) == [
            ("sms", "two"),
            ("telegram", "one"),
        ]

    @pytest.mark.parametrize(
        ("phone", "channel", "error"),
        [(UZ, "whatsapp", ChannelNotOffered), (UZ, "pigeon", ChannelNotOffered), (KZ, "call", ChannelNotOffered)],
    )
    def test_what_is_not_on_offer_is_refused_and_nothing_is_charged(self, remote, phone, channel, error):
        with pytest.raises(error):
            services.send_code(phone=phone, channel=channel, client="192.0.2.1")
        assert not ChallengeRow.objects.exists()
        assert not Counter.objects.exists()
        assert remote.sent == []

    def test_a_country_without_a_route_is_not_served_and_nothing_is_charged(self, remote):
        for channel in ("", "sms"):
            with pytest.raises(RegionNotAllowed):
                services.send_code(phone=US, channel=channel, client="192.0.2.1")
        assert not Counter.objects.exists()
        assert remote.sent == []

    def test_a_second_send_may_name_another_channel_and_keeps_the_last_one_without(self, remote, clock):
        phone = new_phone()
        first = services.send_code(phone=phone).challenge
        clock.advance(60)
        services.send_code(phone=phone, channel="telegram", challenge_id=first.id)
        clock.advance(120)
        assert services.send_code(phone=phone, challenge_id=first.id).challenge.channel == "telegram"
        assert [(name, message.channel) for name, message in remote.sent] == [
            ("two", "sms"),
            ("one", "telegram"),
            ("one", "telegram"),
        ]
        assert len({message.code for _, message in remote.sent}) == 1

    def test_a_second_send_by_a_channel_that_is_not_on_offer_spends_no_send(self, clock):
        phone = new_phone()
        first = services.send_code(phone=phone).challenge
        clock.advance(60)
        with pytest.raises(ChannelNotOffered):
            services.send_code(phone=phone, channel="call", challenge_id=first.id)
        assert services.send_code(phone=phone, challenge_id=first.id).challenge.sends_left == 1

    @pytest.mark.parametrize("number", [UZ, US])
    def test_a_test_number_needs_no_route_and_makes_no_call(self, remote, settings, number):
        settings.OTP_TEST_NUMBERS = {number: {"code": "246810"}}
        services.send_code(phone=number)
        assert remote.sent == []
        delivery = Delivery.objects.get()
        assert (delivery.provider, delivery.status, delivery.channel, delivery.segments) == ("test", "sent", "sms", 0)
        assert services.verify_code(phone=number, code="246810")


class TestFreeChannels:
    """A channel is free for a number where each provider of its route has the PRICE 0."""

    @pytest.fixture(autouse=True)
    def _routes(self, settings):
        settings.OTP_PROVIDERS = [
            {"ALIAS": "dear", "BACKEND": "x", "PRICE": "0.05"},
            {"ALIAS": "free", "BACKEND": "x", "PRICE": {"UZ": 0, "*": "0.01"}},
            {"ALIAS": "unknown", "BACKEND": "x"},
        ]
        route = {"sms": ["dear"], "call": ["free", "unknown"], "whatsapp": ["free", "dear"], "telegram": ["free"]}
        settings.OTP_ROUTES = {"*": route}

    def free(self, phone):
        return [each for each in ("", *routing.channels(phone)) if routing.is_free(phone, each)]

    def test_one_provider_that_costs_or_may_cost_something_is_enough_to_make_it_none(self):
        assert self.free(phones.as_phone(UZ)) == ["telegram"]

    def test_the_price_is_that_of_the_country(self):
        assert self.free(phones.as_phone(KZ)) == []

    def test_without_a_channel_all_on_offer_have_to_be_free(self, settings):
        settings.OTP_ROUTES = {"*": {"sms": ["free"], "telegram": ["free"]}}
        assert self.free(phones.as_phone(UZ)) == ["", "sms", "telegram"]

    def test_where_nothing_is_on_offer_nothing_is_free(self, settings):
        settings.OTP_ROUTES = {"KZ": {"sms": ["free"]}}
        assert not routing.is_free(phones.as_phone(UZ), "")
        assert not routing.is_free(phones.as_phone(UZ), "sms")

    def test_a_test_number_gets_no_message_and_so_no_free_one(self, settings):
        settings.OTP_TEST_NUMBERS = {UZ: {"code": "246810"}}
        assert not routing.is_free(phones.as_phone(UZ), "telegram")

    def test_where_an_outbox_file_stands_in_for_the_providers_their_prices_hold(self, settings):
        settings.OTP_OUTBOX_FILE = "outbox.jsonl"
        assert self.free(phones.as_phone(UZ)) == ["telegram"]
        assert routing.highest_price(phones.as_phone(UZ), "sms") == Decimal("0.05")
