"""Fixtures of several tests of checks."""

import pytest

from tests.checks.found import TWILIO


@pytest.fixture
def paid(settings):
    settings.OTP_PROVIDERS = []
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    for name, value in TWILIO.items():
        setattr(settings, name, value)
