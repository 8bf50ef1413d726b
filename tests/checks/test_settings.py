"""Nonsense in the settings is refused at start."""

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from otp_app import phones, providers
from otp_app.checks import settings as ours

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do

TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "x", "TWILIO_PHONE_NUMBER": "+12015550123"}


def ids(*, deploy=False):
    found = checks.run_checks(include_deployment_checks=deploy)
    return [message.id for message in found if message.id.startswith("otp_app") and not message.is_silenced()]


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
        ("SENDS_OF_DEVICES_DAY", 0),
        ("FAILURES_OF_DEVICES_DAY", 0),
        ("SITE_CLIENTS", 0),
        ("UNCONVERTED_PER_PREFIX_HOUR", 0),
        ("PREFIX_BLOCK", 59),
        ("SENDS_PER_REGION_DAY", 0),
        ("SENDS_PER_DAY", 0),
        ("DEVICE_SENDS_PER_DAY", 0),
        ("UNCONVERTED_PER_DAY", 0),
        ("FAILURES_PER_DAY", 0),
        ("PASSWORDS_PER_CLIENT_HOUR", 0),
        ("PASSWORDS_PER_ACCOUNT_HOUR", 0),
        ("PROOF_COST", 0),
        ("PROOF_COST", 100_001),
        ("PROOF_TTL", 59),
        ("PROOF_TTL", 3601),
        ("CONVERSION_LEAST", 0),
        ("CONVERSION_PROOF", -1),
        ("CONVERSION_PROOF", 101),
        ("CONVERSION_BLOCK", 101),
        ("REGION_BLOCK", 59),
        ("DEVICE_TTL", 59),
        ("REDIS_TIMEOUT", 0),
        ("REDIS_TIMEOUT", 61),
        ("CHECKS", True),
        ("SENDS_PER_DAY", 2**63),
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


@pytest.mark.parametrize(
    "name", ["FAILURES_PER_PHONE_DAY", "FAILURES_PER_PHONE_MONTH", "FAILURES_OF_DEVICES_DAY", "FAILURES_PER_DAY"]
)
def test_a_budget_smaller_than_a_challenge_is_refused(settings, name):
    setattr(settings, f"OTP_{name}", 5)
    assert "otp_app.E002" not in ids()
    setattr(settings, f"OTP_{name}", 4)
    assert ids() == ["otp_app.E002"]


def test_a_budget_that_is_enough_for_the_login_may_be_too_small_for_another_purpose(settings):
    settings.OTP_FAILURES_OF_DEVICES_DAY = 7
    settings.OTP_POLICIES = {"transfer": {"checks": 8}}
    assert ids() == ["otp_app.E002"]


def test_checks_that_run_out_before_the_sends_of_a_day_are_warned_of(settings):
    settings.OTP_UNCONVERTED_PER_DAY = 1000
    settings.OTP_FAILURES_PER_DAY = 5000
    assert ids() == []
    settings.OTP_FAILURES_PER_DAY = 4999
    assert ids() == ["otp_app.W003"]
    (warning,) = checks.run_checks()
    assert "at least 5000" in warning.hint
    settings.OTP_POLICIES = {"transfer": {"checks": 10}}
    (warning,) = checks.run_checks()
    assert "at least 10000" in warning.hint


@pytest.mark.parametrize("regions", ["UZ", ["UZ", "Uzbekistan"], ["uz"]])
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
        assert "otp-app[redis]" in error.msg

    def test_with_both_it_is_sound(self, settings):
        settings.OTP_REDIS_URL = "redis://localhost"
        assert ids() == []


class TestTestNumbers:
    @pytest.mark.parametrize(
        ("number", "entry", "fault"),
        [
            ("15005550009", {}, "+ and 7 to 15 digits"),
            ("+1 500 555 0009", {}, "+ and 7 to 15 digits"),
            ("+0123456789", {}, "+ and 7 to 15 digits"),
            ("+12345678901234567", {}, "+ and 7 to 15 digits"),
            ("+150055500\u0660\u0661", {}, "+ and 7 to 15 digits"),
            (15005550009, {}, "+ and 7 to 15 digits"),
            ("+15005550009", None, "an entry is"),
            ("+15005550009", "246810", "an entry is"),
            ("+15005550009", {"code": 246810}, "6 digits"),
            ("+15005550009", {"code": "24681"}, "6 digits"),
            ("+15005550009", {"code": "24681x"}, "6 digits"),
            ("+15005550009", {"code": "24681\u0660"}, "6 digits"),
            ("+15005550009", {"code": None}, "6 digits"),
            ("+15005550009", {"expire": "2027-01-31"}, "expire is unknown"),
            ("+15005550009", {"expires": "31.01.2027"}, "must be a day"),
            ("+15005550009", {"expires": ""}, "must be a day"),
            ("+15005550009", {"expires": 20270131}, "must be a day"),
        ],
    )
    def test_an_entry_with_a_slip_in_it_is_refused_with_the_reason(self, settings, number, entry, fault):
        whole = {"code": "246810", "expires": "2027-01-31"} | entry if isinstance(entry, dict) else entry
        settings.OTP_TEST_NUMBERS = {number: whole}
        (error,) = [
            message for message in checks.run_checks(include_deployment_checks=True) if message.id[-3:] == "016"
        ]
        assert fault in error.msg

    def test_the_code_has_the_length_of_the_policy(self, settings):
        settings.OTP_TEST_NUMBERS = {"+15005550009": {"code": "24681012"}}
        assert ids() == ["otp_app.E016"]
        settings.OTP_CODE_LENGTH = 8
        assert ids() == []

    def test_a_number_that_never_expires_is_refused_in_production_only(self, settings, paid):
        settings.OTP_TEST_NUMBERS = {"+15005550009": {"code": "246810"}}
        assert ids() == []
        assert ids(deploy=True) == ["otp_app.E017"]

    @pytest.mark.parametrize(("regions", "found"), [(["UZ"], ["otp_app.E018"]), (["KZ"], []), ("*", ["otp_app.E018"])])
    def test_a_number_that_may_be_a_persons_is_refused_in_production(self, settings, paid, regions, found):
        settings.OTP_ALLOWED_REGIONS = regions
        settings.OTP_TEST_NUMBERS = {"+998901234567": {"code": "246810", "expires": "2027-01-31"}}
        assert ids() == []
        assert ids(deploy=True) == found

    @pytest.mark.parametrize(("permit", "found"), [(True, []), (False, ["otp_app.E018"]), ("no", ["otp_app.E018"])])
    def test_unless_it_is_said_that_it_is_ones_own(self, settings, paid, permit, found):
        entry = {"code": "246810", "expires": "2027-01-31", "permit_real": permit}
        settings.OTP_TEST_NUMBERS = {"+998901234567": entry}
        assert ids(deploy=True) == found

    @pytest.mark.parametrize("number", ["+998000000000", "+999123456789"])
    def test_a_number_that_nobody_can_have_is_sound(self, settings, paid, number):
        settings.OTP_ALLOWED_REGIONS = "*"
        settings.OTP_TEST_NUMBERS = {number: {"code": "246810", "expires": "2027-01-31"}}
        assert ids(deploy=True) == []


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


class TestUserModel:
    def test_a_field_that_does_not_exist_is_refused(self, settings):
        settings.OTP_USER_PHONE_FIELD = "mobile"
        assert ids() == ["otp_app.E007"]

    def test_a_field_that_is_not_unique_is_refused(self, settings):
        settings.OTP_USER_PHONE_FIELD = "full_name"
        assert ids() == ["otp_app.E008"]

    @pytest.mark.parametrize(("length", "found"), [(12, ["otp_app.E027"]), (13, []), (None, [])])
    def test_a_field_without_room_for_a_phone_is_refused(self, settings, monkeypatch, length, found):
        from otp_app.models import User

        settings.OTP_HOME_REGIONS = ["UZ"]
        monkeypatch.setattr(User._meta.get_field("phone"), "max_length", length)
        assert ids() == found

    def test_phones_in_user_names_are_warned_of(self, monkeypatch):
        from django.contrib.auth.models import User

        from otp_app.accounts import adapter

        monkeypatch.setattr(adapter, "get_user_model", lambda: User)
        monkeypatch.setattr(ours, "get_user_model", lambda: User)
        assert ids() == ["otp_app.W002"]

    def test_what_else_must_be_unique_must_be_able_to_stay_empty(self, monkeypatch):
        from otp_app.models import User

        monkeypatch.setitem(User._meta.get_field("full_name").__dict__, "unique", True)
        assert ids() == ["otp_app.E015"]


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


class TestStaff:
    @pytest.fixture(autouse=True)
    def _without(self, settings):
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not path.startswith("otp_app")]

    def test_a_project_with_the_page_needs_the_middleware_that_keeps_staffs_rights_from_sessions_by_code(
        self, settings
    ):
        assert ids() == ["otp_app.E030"]
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "otp_app.staff.StaffMiddleware"]
        assert ids() == []

    def test_one_with_the_api_alone_needs_it_if_sign_ins_begin_sessions(self, settings):
        settings.ROOT_URLCONF = "otp_app.urls"
        assert ids() == []
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        assert ids() == ["otp_app.E030"]

    def test_of_a_token_backend_that_cannot_be_imported_another_check_tells(self, settings):
        settings.ROOT_URLCONF = "otp_app.urls"
        settings.OTP_TOKEN_BACKEND = "nowhere.Tokens"
        assert ids() == ["otp_app.E003"]

    def test_who_takes_the_risk_is_reminded_in_production(self, settings):
        settings.OTP_STAFF_BY_CODE = True
        assert ids() == []
        assert "otp_app.W007" in ids(deploy=True)
