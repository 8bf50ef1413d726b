"""Parse phone numbers to E.164, refuse regions and kinds that are not served, and mask numbers.

The limits count by the numbers that this module returns, so two spellings of a number must never stay two strings.
What a phone library would silently repair (extensions, letters, digits of other scripts) is refused.
"""

import re
from functools import cached_property, lru_cache
from typing import NamedTuple

import phonenumbers
from django.conf import settings
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ..conf import conf, costs_money
from ..errors import InvalidPhone, RegionNotAllowed
from ..keys import phone_key
from . import countries, test_numbers

# How a number may be written, in terms that Python and ECMAScript (the OpenAPI document) read alike: digits with
# separators between them, the first perhaps in parentheses; before them + or 00, and ``tel:``. The spaces are all of
# Unicode's space separators. Marks of direction or of no width are none, because they hide in a number.
_SPACE = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_START = rf"^[{_SPACE}]*(?:[Tt][Ee][Ll]:[{_SPACE}]*)?"
_INTERNATIONAL = rf"(?:\+|00[{_SPACE}.-]*)"
_DIGITS = rf"\(?[0-9](?:[0-9{_SPACE}.()-]*[0-9])?[{_SPACE}]*$"
PATTERN = rf"{_START}{_INTERNATIONAL}?{_DIGITS}"
INTERNATIONAL_PATTERN = rf"{_START}{_INTERNATIONAL}{_DIGITS}"
MIN_CHARACTERS = 3  # no country has a shorter number that receives texts
MAX_CHARACTERS = 32  # 15 digits with every separator a person would type
_HIDDEN = 6  # the last digits of a masked number
_SHOWN_OF_PREFIX = 7  # characters of a prefix at most: an operator may block one that is nearly a number

# Kinds that can receive a text. Premium, shared-cost, toll-free, UAN, pager and voicemail numbers earn money for their
# owner or reach nobody; landlines, and personal numbers as in the UK (known for fraud), receive no texts either.
_TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP}
HOME_REGION = "UZ"
_MAX_NAMED_COUNTRIES = 5  # a refusal names the served countries only if there are at most so many
_NON_GEOGRAPHIC = "001"  # satellite and international services: never served, not even by "*"


class Phone(str):  # noqa: SLOT000  (cached properties need a dict)
    """Carry a number in E.164 with its region, key and kind, each computed once.

    A Phone is a str: models, templates, JSON and database drivers take it as any other text. Make a new one for each
    request, because a test number of today need not be one tomorrow.
    """

    def __reduce__(self) -> tuple[type["Phone"], tuple[str]]:
        return Phone, (str(self),)  # a copy computes its properties anew

    @cached_property
    def region(self) -> str:
        """Return the ISO 3166 code of the number's country; "" when unknown."""
        number = _read(self)
        return number.country if number else ""

    @cached_property
    def key(self) -> str:
        """Return the name under which sends and failures by strangers are kept."""
        return phone_key(self)

    @cached_property
    def is_test(self) -> bool:
        """Return whether the number is in OTP_TEST_NUMBERS, as of the first call."""
        return test_numbers.is_test_number(self)


def as_phone(text: str) -> Phone:
    """Make a Phone from a text that is E.164 already; return a Phone unchanged."""
    return text if isinstance(text, Phone) else Phone(text)


def parse(raw: str, *, gate: bool = True, region: str = "") -> Phone:
    """Parse the number that a person typed.

    ``region`` is the country whose national form is accepted, too (default: ``national_region``); ``gate=False``
    accepts all regions and kinds, for staff who create users. Raise InvalidPhone or RegionNotAllowed.
    """
    if not MIN_CHARACTERS <= len(raw) <= MAX_CHARACTERS or not re.fullmatch(PATTERN, raw):
        raise InvalidPhone
    typed = re.sub("^00", "+", re.sub("[^0-9+]", "", raw))
    plain = Phone("+" + typed.lstrip("+"))
    if typed == plain and plain.is_test:
        return plain
    number = _read(typed, "" if typed == plain else region or national_region())
    if number is None or not number.valid:
        raise InvalidPhone
    if gate:
        _refuse_unserved(number)
    phone = plain if plain == number.text else Phone(number.text)
    phone.region = number.country
    return phone


class _Number(NamedTuple):
    text: str  # E.164
    country: str
    valid: bool
    textable: bool


@lru_cache(maxsize=256)
def _read(raw: str, region: str = "") -> _Number | None:
    """Parse with the library; None if it finds no number. Cached, because parsing takes longer than an SQL query."""
    try:
        number = phonenumbers.parse(raw, region or None)
    except phonenumbers.NumberParseException:
        return None
    country = phonenumbers.region_code_for_number(number) or ""
    kind = phonenumbers.number_type(number)
    valid = bool(country and not number.extension and kind != PhoneNumberType.UNKNOWN)
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return _Number(text, country, valid, textable=valid and kind in _TEXTABLE)


def _refuse_unserved(number: _Number) -> None:
    """Raise RegionNotAllowed for a country that is not served, InvalidPhone for a number that receives no texts."""
    allowed = allowed_regions()
    if number.country == _NON_GEOGRAPHIC or ("*" not in allowed and number.country not in allowed):
        few = len(allowed) <= _MAX_NAMED_COUNTRIES
        raise RegionNotAllowed(sorted(countries.names(allowed).values()) if few else (), number.country)
    if not number.textable:
        raise InvalidPhone


def allowed_regions() -> frozenset[str]:
    """Return the ISO 3166 codes that are served; ``*`` stands for all.

    Without OTP_ALLOWED_REGIONS all are served if no provider costs money; otherwise Uzbekistan and the country of the
    Twilio number (a check warns). An empty list serves nobody (a check refuses it).
    """
    value = conf.ALLOWED_REGIONS
    if not value and not costs_money():
        return frozenset("*")
    if value is None:
        return _default_regions(getattr(settings, "TWILIO_PHONE_NUMBER", ""))
    return _parse_regions(value if isinstance(value, str) else ",".join(value))


@lru_cache(maxsize=1)
def _default_regions(sender: str) -> frozenset[str]:
    """Return the regions served without OTP_ALLOWED_REGIONS: Uzbekistan, and the country of the sender's number."""
    return frozenset((HOME_REGION, Phone(sender).region)) - {""}


@lru_cache(maxsize=8)
def _parse_regions(text: str) -> frozenset[str]:
    """Return the regions of a comma-separated list."""
    return frozenset(region for part in text.split(",") if (region := part.strip().upper()))


def national_region() -> str:
    """Return the country whose national form is accepted: OTP_DEFAULT_REGION, else the only served one, else ""."""
    allowed = allowed_regions()
    return conf.DEFAULT_REGION or ("".join(allowed - {"*"}) if len(allowed) == 1 else "")


def assumed_region() -> str:
    """Return the country to assume for a person of whom nothing is known.

    OTP_DEFAULT_REGION comes first, then a home region that is served, then the first served region; "" if all regions
    are served and none is a home region.
    """
    allowed = allowed_regions()
    served = [region for region in conf.HOME_REGIONS if region in allowed or "*" in allowed]
    return conf.DEFAULT_REGION or next(iter([*served, *sorted(allowed - {"*"})]), "")


def served_regions() -> frozenset[str]:
    """Return the ISO 3166 codes that are served, each by itself where all are."""
    allowed = allowed_regions()
    known = frozenset(phonenumbers.SUPPORTED_REGIONS)
    return known if "*" in allowed else known & allowed


def example_number(region: str = "") -> str:
    """Return an example of a mobile number as people write it; "" for a region that has none.

    Without a region the number is of the home country, or of Uzbekistan.
    """
    number = phonenumbers.example_number_for_type(region or assumed_region() or HOME_REGION, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL) if number else ""


def spaced(phone: str) -> str:
    """Write a number as people read it: ``+998 90 123 45 67``."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(phone), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:  # a test number need not be one of any country
        return phone


def warm() -> None:
    """Load the metadata of the served regions (1-10 ms each) before the first request pays for it."""
    for region in allowed_regions() & phonenumbers.SUPPORTED_REGIONS:
        phonenumbers.PhoneMetadata.metadata_for_region(region)


def mask(phone: str) -> str:
    """Mask the last six digits of a number, as ``+998901••••••``: nobody can call it.

    Every mask hides those digits, so no two lines of a log tell more of a number than one of them.
    """
    return _hide(phone, _HIDDEN)


def mask_subject(subject: str) -> str:
    """Mask the phone or prefix in a subject, as ``prefix +998901••``; return other subjects unchanged.

    A prefix is a number without its last four digits, so two of it are hidden; of a longer one more.
    """
    kind, _, text = subject.partition(" ")
    if kind == "prefix":
        return f"{kind} {_hide(text, max(_HIDDEN - 4, len(text) - _SHOWN_OF_PREFIX))}"
    return f"{kind} {mask(text)}" if kind == "phone" else subject


def _hide(text: str, last: int) -> str:
    """Hide the ``last`` characters of a text."""
    shown = text[:-last]
    return shown + "•" * (len(text) - len(shown))
