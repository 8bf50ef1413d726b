"""Providers and routes that lead nowhere are refused at start."""

import pytest
from django.core import checks

pytestmark = pytest.mark.django_db

MEMORY = {"ALIAS": "memory", "BACKEND": "otp_app.providers.memory.MemoryProvider"}
TWILIO = {
    "ALIAS": "twilio",
    "BACKEND": "otp_app.providers.twilio.TwilioProvider",
    "OPTIONS": {"account_sid": "AC" + "0" * 32, "auth_token": "x", "sender": "+12015550123"},
}


def found(*, deploy=False):
    messages = checks.run_checks(include_deployment_checks=deploy)
    ours = [message for message in messages if message.id.startswith("otp_app") and not message.is_silenced()]
    return {message.id: message.msg for message in ours}


@pytest.fixture(autouse=True)
def served(settings):
    settings.OTP_ALLOWED_REGIONS = ["UZ"]


@pytest.mark.parametrize("alias", ["", "a" * 33, "with space", "a/b", "ol\u0431"])
def test_an_alias_that_cannot_stand_in_an_address_is_refused(settings, alias):
    settings.OTP_PROVIDERS = [MEMORY | {"ALIAS": alias}]
    assert list(found()) == ["otp_app.E013"]


def test_two_providers_of_one_name_are_refused(settings):
    settings.OTP_PROVIDERS = [MEMORY, TWILIO | {"ALIAS": "memory"}]
    assert list(found()) == ["otp_app.E013"]


def test_two_of_one_company_are_sound(settings):
    settings.OTP_PROVIDERS = [TWILIO | {"ALIAS": "twilio-1"}, TWILIO | {"ALIAS": "twilio_2"}]
    assert found() == {}


@pytest.mark.parametrize("options", [{"account_sid": "AC"}, TWILIO["OPTIONS"] | {"colour": "red"}])
def test_options_that_do_not_fit_are_refused_by_name(settings, options):
    settings.OTP_PROVIDERS = [TWILIO | {"OPTIONS": options}]
    text = found()["otp_app.E020"]
    assert "'twilio'" in text
    assert ("colour" if "colour" in options else "auth_token") in text


@pytest.mark.parametrize("price", ["much", -1, 1000, {"UZ": "x"}, {"UZ": "1", "*": -2}, [1], "NaN"])
def test_what_is_no_price_is_refused(settings, price):
    settings.OTP_PROVIDERS = [MEMORY | {"PRICE": price}]
    assert list(found()) == ["otp_app.E021"]


@pytest.mark.parametrize("price", [None, 0, "0.0055", 0.05, {"UZ": "0.0055", "*": 0.08}])
def test_prices_are_numbers_or_one_for_each_country(settings, price):
    settings.OTP_PROVIDERS = [MEMORY | {"PRICE": price}]
    assert found() == {}


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ({"Uzbekistan": {"sms": ["memory"]}}, "'Uzbekistan' is no country"),
        ({"UZ": {"pigeon": ["memory"]}}, "'pigeon' is no channel; there are sms, call, whatsapp, telegram."),
        ({"UZ": {"sms": []}}, "UZ sms names no alias."),
        ({"*": {"sms": ["memory", "eskiz"]}}, "'eskiz' is not in OTP_PROVIDERS."),
        ({"*": {"telegram": ["twilio"]}}, "'twilio' does not serve the channel 'telegram'."),
    ],
)
def test_a_route_that_leads_nowhere_is_refused(settings, routes, said):
    settings.OTP_PROVIDERS = [MEMORY, TWILIO]
    settings.OTP_ROUTES = routes
    assert said in found()["otp_app.E022"]


def test_good_routes_are_sound(settings):
    settings.OTP_PROVIDERS = [MEMORY, TWILIO]
    settings.OTP_ROUTES = {"UZ": {"sms": ["twilio", "memory"], "call": ["memory"]}, "*": {"sms": ["twilio"]}}
    assert found() == {}


def test_a_route_to_a_provider_that_cannot_be_imported_is_said_once(settings):
    settings.OTP_PROVIDERS = [MEMORY | {"BACKEND": "nothing.Here"}]
    settings.OTP_ROUTES = {"*": {"sms": ["memory"]}}
    assert list(found()) == ["otp_app.E003"]


def test_without_routes_somebody_must_carry_sms(settings):
    settings.OTP_PROVIDERS = [
        {"ALIAS": "telegram", "BACKEND": "otp_app.providers.telegram.TelegramProvider", "OPTIONS": {"token": "x"}}
    ]
    assert list(found()) == ["otp_app.E023"]
    settings.OTP_ROUTES = {"*": {"telegram": ["telegram"]}}
    assert found() == {}


def test_reports_must_not_travel_in_clear(settings):
    settings.OTP_PROVIDERS = [TWILIO]
    settings.OTP_PUBLIC_URL = "http://login.example.com"
    assert list(found(deploy=True)) == ["otp_app.W004"]
    settings.OTP_PUBLIC_URL = "https://login.example.com"
    assert found(deploy=True) == {}


def test_a_lease_outlives_the_longest_dispatch(settings):
    settings.OTP_LEASE = settings.OTP_PROVIDER_DEADLINE = 60
    assert "OTP_LEASE is not longer" in found()["otp_app.E001"]
