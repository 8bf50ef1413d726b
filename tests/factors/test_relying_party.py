"""Who asks for passkeys is what the settings say, and nobody else."""

import pytest

from otp_app.factors import relying_party


@pytest.mark.parametrize(
    ("public", "domain", "origins", "expected"),
    [
        ("", "", [], ("", [])),
        ("https://login.example.com:8443/otp", "", [], ("login.example.com", ["https://login.example.com:8443"])),
        ("https://login.example.com", "example.com", [], ("example.com", ["https://login.example.com"])),
        ("https://login.example.com", "", ["https://a.example"], ("login.example.com", ["https://a.example"])),
    ],
)
def test_the_public_address_stands_for_what_is_not_set(settings, public, domain, origins, expected):
    settings.OTP_PUBLIC_URL, settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = public, domain, origins
    assert (relying_party.rp_id(), relying_party.origins()) == expected


def test_without_the_package_there_are_none(settings, monkeypatch):
    settings.OTP_PUBLIC_URL = "https://login.example.com"
    assert relying_party.is_on()
    monkeypatch.setattr(relying_party, "find_spec", lambda name: None)
    assert not relying_party.is_on()
