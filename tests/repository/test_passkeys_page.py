"""docs/passkeys.md: its settings are sound, and its addresses and limits are those of the code."""

import re

from django.urls import resolve

from otp_app.checks.passkeys import check_passkeys
from otp_app.factors import passkeys, relying_party
from tests.programs import ROOT

PAGE = (ROOT / "docs" / "passkeys.md").read_text(encoding="utf-8")
(SETTINGS,) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)


def test_the_settings_of_the_page_are_sound(settings):
    named = {}
    exec(compile(SETTINGS, "<docs/passkeys.md>", "exec"), named)  # noqa: S102  (our own page)
    for name in ("OTP_PASSKEY_RP_ID", "OTP_PASSKEY_ORIGINS"):
        setattr(settings, name, named[name])
    assert relying_party.is_on()
    assert check_passkeys() == []


def test_each_address_of_the_page_is_served():
    addresses = re.findall(r"(?m)^(?:GET|POST|DELETE) +(/api/passkeys/\S*)", PAGE)
    assert len({resolve(address.replace("<id>", "1")).url_name for address in addresses}) == len(addresses) == 6


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert f"good for {relying_party.TTL_SECONDS // 60} minutes and once" in PAGE
    assert f"at most {passkeys._MAX_PASSKEYS}." in PAGE
