"""Fixtures of several tests of checks."""

import pytest
from drf_spectacular.settings import spectacular_settings

from tests.checks.found import TWILIO


@pytest.fixture(autouse=True)
def _no_schema(monkeypatch):
    """Leave out the check of another app that makes the whole schema: it takes longer than all others together."""
    monkeypatch.setattr(spectacular_settings, "ENABLE_DJANGO_DEPLOY_CHECK", False)


@pytest.fixture
def paid(settings):
    settings.OTP_PROVIDERS = []
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    for name, value in TWILIO.items():
        setattr(settings, name, value)
