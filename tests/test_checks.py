"""Nonsense in the settings is refused at start."""

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import router

from otp_app import phones, providers
from otp_app.checks import check_database
from otp_app.models import Delivery

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do

TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "x", "TWILIO_PHONE_NUMBER": "+12015550123"}


def ids(*, deploy=False):
    found = checks.run_checks(include_deployment_checks=deploy)
    return [message.id for message in found if message.id.startswith("otp_app")]


@pytest.fixture
def paid(settings):
    settings.OTP_PROVIDERS = []
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    for name, value in TWILIO.items():
        setattr(settings, name, value)


def test_the_suites_own_settings_are_sound():
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CODE_LENGTH", 5),
        ("CODE_LENGTH", 11),
        ("CODE_LENGTH", "6"),
        ("TTL", 601),
        ("CHECKS", 11),
        ("CHECKS", 0),
        ("CHECKS", "5"),
        ("TTL", "soon"),
        ("FAILURES_PER_PHONE_DAY", "20"),
        ("SENDS", 0),
        ("TRUSTED_PROXIES", -1),
        ("SENDS_PER_CLIENT_HOUR", 0),
    ],
)
def test_a_number_out_of_its_range_is_refused(settings, name, value):
    setattr(settings, f"OTP_{name}", value)
    assert ids() == ["otp_app.E001"]


@pytest.mark.parametrize("numbers", [{"length": 5}, {"ttl": 601}, {"checks": 11}, {"sends": 0}, {"lenght": 6}])
def test_the_numbers_of_a_purpose_are_looked_at_too(settings, numbers):
    settings.OTP_POLICIES = {"transfer": numbers}
    assert "otp_app.E001" in ids()


def test_sound_numbers_of_a_purpose_are_taken(settings):
    settings.OTP_POLICIES = {"transfer": {"length": 8, "ttl": 120, "checks": 3, "checks_by_phone": 0, "sends": 1}}
    assert ids() == []


def test_a_budget_smaller_than_a_challenge_is_refused(settings):
    settings.OTP_FAILURES_PER_PHONE_DAY = 4
    assert ids() == ["otp_app.E002"]


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
    assert providers.current() == providers.current()
    settings.OTP_PROVIDERS = [{"ALIAS": "x", "BACKEND": backend, "OPTIONS": {"hosts": ["a", "b"]}}]
    with pytest.raises(TypeError, match="argument"):
        providers.current()


@pytest.mark.parametrize("waits", [[60, "x"], [-1], [1.5]])
def test_waits_that_are_no_seconds_are_refused(settings, waits):
    settings.OTP_WAITS = waits
    assert ids() == ["otp_app.E001"]


@pytest.mark.parametrize("empty", [[], "", ()])
def test_an_empty_list_of_countries_is_refused_when_messages_cost_money(settings, paid, empty):
    settings.OTP_ALLOWED_REGIONS = empty
    assert ids() == ["otp_app.E004"]
    with pytest.raises(SystemCheckError, match="name the countries you serve"):
        call_command("check")


def test_an_absent_list_of_countries_is_warned_of(settings, paid):
    del settings.OTP_ALLOWED_REGIONS
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


class TestUserModel:
    def test_a_field_that_does_not_exist_is_refused(self, settings):
        settings.OTP_USER_PHONE_FIELD = "mobile"
        assert ids() == ["otp_app.E007"]

    def test_a_field_that_is_not_unique_is_refused(self, settings):
        settings.OTP_USER_PHONE_FIELD = "full_name"
        assert ids() == ["otp_app.E008"]

    def test_phones_in_user_names_are_warned_of(self, monkeypatch):
        from django.contrib.auth.models import User

        from otp_app import accounts
        from otp_app import checks as ours

        monkeypatch.setattr(accounts, "get_user_model", lambda: User)
        monkeypatch.setattr(ours, "get_user_model", lambda: User)
        assert ids() == ["otp_app.W002"]

    def test_what_else_must_be_unique_must_be_able_to_stay_empty(self, monkeypatch):
        from otp_app.models import User

        monkeypatch.setitem(User._meta.get_field("full_name").__dict__, "unique", True)
        assert ids() == ["otp_app.E015"]


def test_tables_in_two_databases_are_refused(monkeypatch):
    monkeypatch.setattr(router, "db_for_write", lambda model: "one" if model is Delivery else "other")
    assert [message.id for message in check_database()] == ["otp_app.E014"]


def test_another_database_is_refused(monkeypatch):
    class Mysql:
        vendor = "mysql"

    monkeypatch.setattr("otp_app.checks.connections", {"default": Mysql})
    assert [message.id for message in check_database()] == ["otp_app.E009"]


def test_the_databases_of_the_suite_are_taken():
    assert check_database() == []


class TestProduction:
    def test_a_provider_that_shows_codes_is_refused(self):
        assert ids(deploy=True) == ["otp_app.E010"]

    def test_a_clock_that_can_be_set_is_refused(self, settings, paid):
        settings.OTP_CLOCK_OFFSET_FILE = "clock"
        assert ids(deploy=True) == ["otp_app.E011"]

    def test_a_real_provider_is_sound(self, paid):
        assert ids(deploy=True) == []
        assert phones.allowed_regions() == {"UZ"}
