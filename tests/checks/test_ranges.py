"""Numbers out of their range are refused at start."""

import pytest

from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do


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
        ("UNCONVERTED_PER_PREFIX_DAY", 0),
        ("SENDS_PER_PREFIX_DAY", 0),
        ("UNCONVERTED_PER_SUBNET_DAY", 0),
        ("UNCONVERTED_PER_NETWORK_DAY", 0),
        ("UNCONVERTED_OF_STRANGERS_DAY", 0),
        ("UNCONVERTED_PER_REGION_DAY", 0),
        ("DEVICE_SENDS_PER_DAY", 0),
        ("BUDGET_PER_DAY", -1),
        ("BUDGET_PER_DAY", 0.5),
        ("PASSWORDS_PER_CLIENT_HOUR", 0),
        ("PASSWORDS_PER_ACCOUNT_HOUR", 0),
        ("FACTORS_PER_ACCOUNT_DAY", 0),
        ("RECOVERY_WAIT", -1),
        ("RECOVERY_WAIT", 1),
        ("RECOVERY_WAIT", 24 * 3600 - 1),
        ("RECOVERY_WAIT", 31 * 24 * 3600),
        ("PROOF_COST", 0),
        ("PROOF_COST", 100_001),
        ("PROOF_TTL", 59),
        ("PROOF_TTL", 3601),
        ("DEVICE_TTL", 59),
        ("REDIS_TIMEOUT", 0),
        ("REDIS_TIMEOUT", 61),
        ("CHECKS", True),
        ("DEVICE_SENDS_PER_DAY", 2**63),
    ],
)
def test_a_number_out_of_its_range_is_refused(settings, name, value):
    setattr(settings, f"OTP_{name}", value)
    assert ids() == ["otp_app.E001"]


@pytest.mark.parametrize("numbers", [{"length": 5}, {"ttl": 601}, {"checks": 11}, {"sends": 0}, {"lenght": 6}])
def test_the_numbers_of_a_purpose_are_looked_at_too(settings, numbers):
    settings.OTP_POLICIES = {"transfer": numbers}
    assert "otp_app.E001" in ids()


@pytest.mark.parametrize("policies", [{"x" * 33: {}}, {"": {}}, {"a/b": {}}])
def test_purposes_that_no_row_or_template_could_have_are_refused(settings, policies):
    settings.OTP_POLICIES = policies
    assert "otp_app.E001" in ids()


def test_sound_numbers_of_a_purpose_are_taken(settings):
    numbers = {"length": 8, "ttl": 120, "checks": 3, "checks_by_phone": 0, "sends": 1}
    settings.OTP_POLICIES = {"transfer": numbers, "x" * 32: {}, "Pay-2_b": {}}
    assert ids() == []


@pytest.mark.parametrize("name", ["FAILURES_PER_PHONE_DAY", "FAILURES_PER_PHONE_MONTH", "FAILURES_OF_DEVICES_DAY"])
def test_a_budget_smaller_than_a_challenge_is_refused(settings, name):
    setattr(settings, f"OTP_{name}", 5)
    assert "otp_app.E002" not in ids()
    setattr(settings, f"OTP_{name}", 4)
    assert ids() == ["otp_app.E002"]


def test_a_budget_that_is_enough_for_the_login_may_be_too_small_for_another_purpose(settings):
    settings.OTP_FAILURES_OF_DEVICES_DAY = 7
    settings.OTP_POLICIES = {"transfer": {"checks": 8}}
    assert ids() == ["otp_app.E002"]


@pytest.mark.parametrize("waits", [[60, "x"], [-1], [1.5]])
def test_waits_that_are_no_seconds_are_refused(settings, waits):
    settings.OTP_WAITS = waits
    assert ids() == ["otp_app.E001"]


@pytest.mark.parametrize("seconds", [0, 24 * 3600])
def test_a_way_back_is_off_or_waits_for_a_day_at_least(settings, seconds):
    settings.OTP_RECOVERY_WAIT = seconds
    assert ids() == []
