"""Check OTP_TEST_NUMBERS: an entry with a mistake could let a stranger sign in, or nobody."""

from collections.abc import Mapping
from typing import Any

import phonenumbers
from django.core.checks import CheckMessage, Error

from .. import phones
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..phones import test_numbers
from .types import register


@register()
def check_test_numbers(**_: Any) -> list[CheckMessage]:
    """Find an entry that cannot work, or would do something else than it seems to (E016)."""
    hint = 'Write {"+15005550009": {"code": "246810", "expires": "2027-01-31"}}.'
    return [
        Error(f"OTP_TEST_NUMBERS[{phone!r}]: {fault}.", hint=hint, id="otp_app.E016")
        for phone, entry in conf.TEST_NUMBERS.items()
        if (fault := _fault_of(phone, entry))
    ]


def _fault_of(phone: str, entry: Mapping[str, Any]) -> str:
    if not test_numbers.E164.fullmatch(phone):
        return "the number must be + and 7 to 15 digits, without spaces"
    code, length = entry.get("code"), policy_for(LOGIN).length
    if not isinstance(code, str) or not code.isascii() or not code.isdigit() or len(code) != length:
        return f'"code" must be {length} digits, as text'
    if unknown := sorted(set(entry) - test_numbers.FIELDS):
        return f"{', '.join(map(str, unknown))} is unknown"
    try:
        if entry.get("expires") is not None:
            test_numbers.as_date(entry["expires"])
    except (ValueError, TypeError):
        return '"expires" must be a day, for example "2027-01-31"'
    return ""


@register(deploy=True)
def check_test_numbers_in_production(**_: Any) -> list[CheckMessage]:
    """Find test numbers that never expire (E017), or may be a person's, whose account they open (E018)."""
    errors: list[CheckMessage] = []
    for phone, entry in conf.TEST_NUMBERS.items():
        if _fault_of(phone, entry):
            continue  # E016 says so
        if entry.get("expires") is None:
            text = f"OTP_TEST_NUMBERS[{phone!r}] never expires."
            errors.append(Error(text, hint='Add "expires": "2027-01-31", the last day it works.', id="otp_app.E017"))
        if _is_served(phone) and entry.get("permit_real") is not True:
            text = f"OTP_TEST_NUMBERS[{phone!r}] may be a person's number: whoever knows its code signs in as them."
            hint = 'Take one of a country that you do not serve, or add "permit_real": True if the number is yours.'
            errors.append(Error(text, hint=hint, id="otp_app.E018"))
    return errors


def _is_served(phone: str) -> bool:
    """Return whether the number is valid and of a country that is served."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return False
    allowed = phones.allowed_regions()
    return phonenumbers.is_valid_number(number) and ("*" in allowed or phones.as_phone(phone).region in allowed)
