"""Strict parsing of phone numbers to E.164, the gate by region and number type, and masking.

Whatever the limits count is keyed by what this module returns, so two spellings of a number must never stay two
strings, and what a phone library would silently repair (extensions, letters, other scripts' digits) is refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from django.conf import settings
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from . import countries, testnumbers
from .conf import conf, costs_money
from .errors import InvalidPhone, RegionNotAllowed

_PLAIN = re.compile(r"\+?[0-9](?:[0-9 .()-]*[0-9])?\Z|\+?\([0-9][0-9 .()-]*[0-9]\Z", re.ASCII)
_FIRST, _LAST, _HIDDEN = 4, 2, 4  # characters of a masked number that are shown, and how many must stay hidden
LONGEST = 32  # characters: 15 digits with every separator a person would type

# Types that can receive a text. Premium, shared-cost, toll-free, UAN, pager and voicemail earn money for their owner or
# reach nobody; landlines and UK-style personal numbers (a known fraud lane) do not receive texts either.
_TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP}
HOME_REGION = "UZ"
_FEW = 5  # countries that are named to who has a number of another
_NON_GEOGRAPHIC = "001"  # satellite and international services: never served, not even by "*"


def parse(raw: str, *, gate: bool = True, region: str = "") -> str:
    """The E.164 form of what a person typed.

    ``region`` is the country whose national form is taken too, else OTP_DEFAULT_REGION. ``gate=False`` skips the region
    and type gate (for staff creating users); the form is strict all the same.
    Raises InvalidPhone or RegionNotAllowed.
    """
    if len(raw) > LONGEST or not _PLAIN.match(raw):
        raise InvalidPhone
    if raw.startswith("+") and testnumbers.is_one(plain := "+" + re.sub("[^0-9]", "", raw)):
        return plain
    region = region or conf.DEFAULT_REGION
    if not raw.startswith("+") and not region:
        raise InvalidPhone
    number = _read(raw, region)
    if number is None or not number.valid:
        raise InvalidPhone
    if gate:
        _gate(number)
    return number.phone


@dataclass(frozen=True, slots=True)
class _Number:
    phone: str  # E.164
    region: str
    valid: bool
    textable: bool


@lru_cache(maxsize=4096)
def _read(raw: str, region: str) -> _Number | None:
    """What the library makes of it; cached, for one request asks several times for the country of a number."""
    try:
        number = phonenumbers.parse(raw, region or None)
    except phonenumbers.NumberParseException:
        return None
    country = phonenumbers.region_code_for_number(number)
    valid = bool(country and not number.extension and phonenumbers.is_valid_number_for_region(number, country))
    textable = valid and phonenumbers.number_type(number) in _TEXTABLE
    return _Number(phonenumbers.format_number(number, PhoneNumberFormat.E164), country or "", valid, textable)


def _gate(number: _Number) -> None:
    allowed = allowed_regions()
    if number.region == _NON_GEOGRAPHIC or ("*" not in allowed and number.region not in allowed):
        raise RegionNotAllowed(sorted(countries.names(allowed).values()) if len(allowed) <= _FEW else ())
    if not number.textable:
        raise InvalidPhone


def allowed_regions() -> frozenset[str]:
    """ISO 3166 codes that are served, ``*`` for all.

    Without a list, a provider that costs nothing serves all. One that costs money serves, where the setting is absent,
    Uzbekistan and the country of the Twilio number (a check warns), and nobody where it is empty (a check refuses it).
    """
    value = conf.ALLOWED_REGIONS
    if not value and not costs_money():
        return frozenset("*")
    if value is None:
        return frozenset((HOME_REGION, region_of(getattr(settings, "TWILIO_PHONE_NUMBER", "")))) - {""}
    return _regions(value if isinstance(value, str) else ",".join(value))


@lru_cache(maxsize=8)
def _regions(text: str) -> frozenset[str]:
    return frozenset(region for part in text.split(",") if (region := part.strip().upper()))


def region_of(phone: str) -> str:
    """The ISO code of a number that ``parse`` returned; empty when unknown."""
    number = _read(phone, "")
    return number.region if number else ""


def home() -> str:
    """The country that a person is taken to be in as long as nothing else is known; empty when nobody can say."""
    allowed = allowed_regions()
    served = [region for region in conf.HOME_REGIONS if region in allowed or "*" in allowed]
    return conf.DEFAULT_REGION or next(iter([*served, *sorted(allowed - {"*"})]), "")


def example() -> str:
    """A number of that country, or of Uzbekistan, as people read it."""
    number = phonenumbers.example_number_for_type(home() or HOME_REGION, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL) if number else ""


def spaced(phone: str) -> str:
    """A number that ``parse`` returned as people read it: ``+998 90 123 45 67``."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(phone), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:  # a test number need not be one of any country
        return phone


def warm() -> None:
    """Load the metadata of the served regions (1-10 ms each) before the first request pays for it."""
    for region in allowed_regions() & phonenumbers.SUPPORTED_REGIONS:
        phonenumbers.PhoneMetadata.metadata_for_region(region)


def mask(phone: str) -> str:
    """``+998•••••••67``: enough for support to recognise, too little to call, beside its prefix as well."""
    hidden = len(phone) - _FIRST - _LAST
    return f"{phone[:_FIRST]}{'•' * hidden}{phone[-_LAST:]}" if hidden >= _HIDDEN else "•" * len(phone)


def mask_subject(subject: str) -> str:
    """``prefix +998901••`` for a prefix, which is a number without its last four digits; other subjects as they are.

    So whoever reads a phone and its prefix in one log, both masked, still lacks four digits of the number.
    """
    return f"{subject[:-_LAST]}{'•' * _LAST}" if subject.startswith("prefix ") else subject
