"""Passkeys that nobody could use are named at the start."""

import pytest
from django.core import checks

from otp_app.checks import passkeys
from otp_app.checks.passkeys import check_passkeys


def told():
    assert all(message.id == "otp_app.E051" for message in check_passkeys())
    return [message.msg for message in check_passkeys()]


@pytest.mark.django_db
def test_the_check_is_among_those_of_the_project(settings):
    settings.OTP_PASSKEY_RP_ID = "example.com"
    assert "otp_app.E051" in [message.id for message in checks.run_checks()]


def test_without_any_of_the_settings_there_is_nothing_to_say():
    assert told() == []


def test_the_public_address_is_enough(settings):
    settings.OTP_PUBLIC_URL = "https://login.example.com/otp"
    assert told() == []


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("RP_ID", "example.com", "neither OTP_PASSKEY_ORIGINS nor OTP_PUBLIC_URL is"),
        ("ORIGINS", ["https://example.com"], "neither OTP_PASSKEY_RP_ID nor OTP_PUBLIC_URL is"),
    ],
)
def test_the_missing_half_of_a_relying_party_is_named(settings, name, value, missing):
    setattr(settings, f"OTP_PASSKEY_{name}", value)
    (text,) = told()
    assert missing in text


def test_a_missing_package_is_named_where_passkeys_are_wanted(settings, monkeypatch):
    monkeypatch.setattr(passkeys, "find_spec", lambda name: None)
    assert told() == []
    settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = "example.com", ["https://example.com"]
    assert told() == ["OTP_PASSKEY_RP_ID is set, but the package webauthn is not installed."]


@pytest.mark.parametrize(
    ("domain", "origin", "good"),
    [
        ("example.com", "https://example.com", True),
        ("example.com", "https://login.example.com:8443", True),
        ("example.com", "android:apk-key-hash:4fJ0", True),
        ("localhost", "http://localhost:8000", True),
        ("example.com", "http://example.com", False),
        ("example.com", "https://example.com/", False),
        ("example.com", "https://badexample.com", False),
        ("example.com", "https://example.com.evil.net", False),
        ("login.example.com", "https://example.com", False),
        ("example.com", "example.com", False),
    ],
)
def test_an_origin_that_no_browser_lets_use_them_is_named(settings, domain, origin, good):
    settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = domain, [origin]
    assert told() == ([] if good else [f"Passkeys of {domain} cannot be used at {origin}."])
