"""Nonsense in the settings is refused at start."""

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from otp_app import phones, providers
from otp_app.checks import settings as ours
from tests.checks.found import TWILIO, ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do


def test_the_suites_own_settings_are_sound():
    assert ids() == []


@pytest.mark.parametrize("regions", [["UZ", "Uzbekistan"], ["uz"]])
def test_home_regions_that_are_no_countries_are_refused(settings, regions):
    settings.OTP_HOME_REGIONS = regions
    assert ids() == ["otp_app.E012"]


def test_there_may_be_no_home_region(settings):
    settings.OTP_HOME_REGIONS = []
    assert ids() == []


class TestRedis:
    @pytest.fixture(autouse=True)
    def _chosen(self, settings):
        settings.OTP_STORE = "otp_app.stores.redis.RedisStore"

    def test_the_store_without_an_address_is_refused(self):
        assert ids() == ["otp_app.E019"]

    def test_the_store_without_the_package_is_refused_with_what_to_install(self, settings, monkeypatch):
        settings.OTP_REDIS_URL = "redis://localhost"
        monkeypatch.setattr(ours, "find_spec", lambda name: None)
        (error,) = [message for message in checks.run_checks() if message.id == "otp_app.E019"]
        assert 'pip install "redis[hiredis]"' in error.msg

    def test_with_both_it_is_sound(self, settings):
        settings.OTP_REDIS_URL = "redis://localhost"
        assert ids() == []


@pytest.mark.parametrize("name", ["STORE", "QUEUE", "TOKEN_BACKEND"])
def test_a_plug_in_that_cannot_be_imported_is_refused(settings, name):
    setattr(settings, f"OTP_{name}", "otp_app.nothing.Here")
    assert ids() == ["otp_app.E003"]


def test_a_provider_that_cannot_be_imported_is_refused(settings):
    settings.OTP_PROVIDERS = [{"ALIAS": "x", "BACKEND": "nothing"}]
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    assert ids() == ["otp_app.E003"]


@pytest.mark.parametrize("entry", [{"BACKEND": "x"}, {"ALIAS": "x"}, {"ALIAS": "x" * 33, "BACKEND": "x"}, {}])
def test_a_provider_without_a_name_or_a_path_is_refused(settings, entry):
    settings.OTP_PROVIDERS = [entry]
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    assert ids(deploy=True) == ["otp_app.E013"]


def test_options_of_a_provider_may_be_anything(settings):
    backend = "otp_app.providers.memory.MemoryProvider"
    settings.OTP_PROVIDERS = [{"ALIAS": "x", "BACKEND": backend, "OPTIONS": {}}]
    assert providers.get("x") is providers.get("x")
    settings.OTP_PROVIDERS = [{"ALIAS": "x", "BACKEND": backend, "OPTIONS": {"hosts": ["a", "b"]}}]
    assert ids() == ["otp_app.E020"]
    with pytest.raises(TypeError, match="argument"):
        providers.get("x")


@pytest.mark.parametrize("empty", [[], "", ()])
def test_an_empty_list_of_countries_is_refused_when_messages_cost_money(settings, paid, empty):
    settings.OTP_ALLOWED_REGIONS = empty
    assert ids() == ["otp_app.E004"]
    with pytest.raises(SystemCheckError, match="name the countries you serve"):
        call_command("check")


def test_an_absent_list_of_countries_is_warned_of(settings, paid):
    settings.OTP_ALLOWED_REGIONS = None  # as where it is absent; nobody is told of a deletion
    assert ids() == ["otp_app.W001"]


def test_a_list_of_countries_that_do_not_exist_is_refused(settings, paid):
    settings.OTP_ALLOWED_REGIONS = ["UZ", "Uzbekistan"]
    assert ids() == ["otp_app.E012"]


@pytest.mark.parametrize("missing", TWILIO)
def test_twilio_by_halves_is_refused(settings, paid, missing):
    setattr(settings, missing, "")
    settings.OTP_ALLOWED_REGIONS = []
    assert ids() == ["otp_app.E005"]


def test_a_message_of_two_segments_is_refused(settings):
    settings.OTP_BRAND = "A name that is far too long for a text"
    assert "otp_app.E006" not in ids()
    settings.OTP_WEB_HOST = "sign-in.example.com"
    assert ids() == ["otp_app.E006"]


class TestProduction:
    def test_a_provider_that_shows_codes_is_refused(self):
        assert ids(deploy=True) == ["otp_app.E010"]

    def test_a_clock_that_can_be_set_is_refused(self, settings, paid):
        settings.OTP_CLOCK_OFFSET_FILE = "clock"
        assert ids(deploy=True) == ["otp_app.E011"]

    def test_a_proxy_that_is_trusted_with_tls_and_not_with_clients_is_told_of(self, settings, paid):
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        assert ids(deploy=True) == ["otp_app.W011"]
        settings.OTP_TRUSTED_PROXIES = 1
        assert ids(deploy=True) == []

    def test_one_that_shows_codes_beside_a_real_one_is_refused(self, paid, settings):
        settings.OTP_PROVIDERS = [
            {
                "ALIAS": "twilio",
                "BACKEND": "otp_app.providers.twilio.TwilioProvider",
                "OPTIONS": {"account_sid": "AC", "auth_token": "x", "sender": "+12015550123"},
            },
            {"ALIAS": "console", "BACKEND": "otp_app.providers.console.ConsoleProvider"},
        ]
        assert ids(deploy=True) == ["otp_app.E010"]

    def test_a_real_provider_is_sound(self, paid):
        assert ids(deploy=True) == []
        assert phones.allowed_regions() == {"UZ"}
