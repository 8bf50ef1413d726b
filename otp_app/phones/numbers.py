"""Strict parsing of phone numbers to E.164, the gate by region and number type, and masking.

Whatever the limits count is keyed by what this module returns, so two spellings of a number must never stay two
strings, and what a phone library would silently repair (extensions, letters, other scripts' digits) is refused.
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

_PLAIN = re.compile(r"\+?[0-9](?:[0-9 .()-]*[0-9])?\Z|\+?\([0-9][0-9 .()-]*[0-9]\Z", re.ASCII)
_FIRST, _LAST, _HIDDEN = 4, 2, 4  # characters of a masked number that are shown, and how many must stay hidden
LONGEST = 32  # characters: 15 digits with every separator a person would type

# Types that can receive a text. Premium, shared-cost, toll-free, UAN, pager and voicemail earn money for their owner or
# reach nobody; landlines and UK-style personal numbers (a known fraud lane) do not receive texts either.
_TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP}
HOME_REGION = "UZ"
_FEW = 5  # countries that are named to who has a number of another
_NON_GEOGRAPHIC = "001"  # satellite and international services: never served, not even by "*"


class Phone(str):  # noqa: SLOT000  (what is known of it is kept beside the text)
    """Carry a number in E.164 with what a request asks of it several times: each is looked up when it is asked first.

    It is the text itself: models, templates, JSON and the drivers of databases take it as any other text. Make it anew
    for each request, for a test number of today need not be one tomorrow.
    """

    def __reduce__(self) -> tuple[type["Phone"], tuple[str]]:
        return Phone, (str(self),)  # a copy, or what a session keeps of it, is asked anew

    @cached_property
    def region(self) -> str:
        """Return its ISO code; empty when unknown."""
        number = _read(self)
        return number.country if number else ""

    @cached_property
    def key(self) -> str:
        """Return under which name its sends and failures by strangers are kept."""
        return phone_key(self)

    @cached_property
    def is_test(self) -> bool:
        """Tell whether it was a test number of OTP_TEST_NUMBERS when this was asked first."""
        return test_numbers.is_one(self)


def of(text: str) -> Phone:
    """Make the value of what is E.164 already; a value is returned as it is."""
    return text if isinstance(text, Phone) else Phone(text)


def parse(raw: str, *, gate: bool = True, region: str = "") -> Phone:
    """Read what a person typed.

    ``region`` is the country whose national form is taken too, else OTP_DEFAULT_REGION. ``gate=False`` skips the region
    and type gate (for staff creating users); the form is strict all the same.
    Raises InvalidPhone or RegionNotAllowed.
    """
    if len(raw) > LONGEST or not _PLAIN.match(raw):
        raise InvalidPhone
    plain = Phone("+" + re.sub("[^0-9]", "", raw))
    if raw.startswith("+") and plain.is_test:
        return plain
    number = _read(raw, region or conf.DEFAULT_REGION)
    if number is None or not number.valid:
        raise InvalidPhone
    if gate:
        _gate(number)
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
    """Return what the library makes of it; None without a country code where no region is given.

    Kept for a moment, for one request may ask several times. It takes the library longer than a request of SQL.
    """
    try:
        number = phonenumbers.parse(raw, region or None)
    except phonenumbers.NumberParseException:
        return None
    country = phonenumbers.region_code_for_number(number) or ""
    kind = phonenumbers.number_type(number)
    valid = bool(country and not number.extension and kind != PhoneNumberType.UNKNOWN)
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return _Number(text, country, valid, textable=valid and kind in _TEXTABLE)


def _gate(number: _Number) -> None:
    allowed = allowed_regions()
    if number.country == _NON_GEOGRAPHIC or ("*" not in allowed and number.country not in allowed):
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
        return _unlisted(getattr(settings, "TWILIO_PHONE_NUMBER", ""))
    return _regions(value if isinstance(value, str) else ",".join(value))


@lru_cache(maxsize=1)
def _unlisted(sender: str) -> frozenset[str]:
    return frozenset((HOME_REGION, Phone(sender).region)) - {""}


@lru_cache(maxsize=8)
def _regions(text: str) -> frozenset[str]:
    return frozenset(region for part in text.split(",") if (region := part.strip().upper()))


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
    """Write a number in E.164 as people read it: ``+998 90 123 45 67``."""
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
