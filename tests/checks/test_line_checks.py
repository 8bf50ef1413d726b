"""Whom OTP_LINE_CHECK asks is looked at before anybody is."""

import pytest

from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do

TWILIO = "otp_app.providers.twilio_lookup.TwilioLookup"
OPTIONS = {"account_sid": "AC" + "0" * 32, "auth_token": "x"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS},
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS | {"fields": ["sim_swap"]}, "PRICE": "0.01"},
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS, "PRICE": {"US": "0.01", "*": 0}},
    ],
)
def test_none_and_a_full_entry_are_well(settings, value):
    settings.OTP_LINE_CHECK = value
    assert ids() == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"BACKEND": None},
        {"BACKEND": "otp_app.providers.nobody.Nobody"},
        {"BACKEND": "Nobody"},
        {"BACKEND": TWILIO},
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS | {"sender": "x"}},
        {"BACKEND": TWILIO, "OPTIONS": ["x"]},
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS, "PRICE": "a cent"},
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS, "PRICE": -1},
        {"BACKEND": TWILIO, "OPTIONS": OPTIONS, "PRICE": {"US": "NaN"}},
    ],
)
def test_a_value_by_which_nobody_could_be_asked_is_refused(settings, value):
    settings.OTP_LINE_CHECK = value
    assert ids() == ["otp_app.E048"]


@pytest.mark.parametrize(
    ("name", "value"), [("LINE_CHECK_DAYS", 0), ("LINE_CHECK_DAYS", 31), ("LINE_CHECK_IDLE_DAYS", -1)]
)
def test_days_out_of_range_are_refused(settings, name, value):
    setattr(settings, f"OTP_{name}", value)
    assert ids() == ["otp_app.E001"]
