"""Choose which of our languages a client is answered in, and which countries the client's own languages name."""

import re
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from ..conf import conf
from . import numbers

LANGUAGES = ("en", "ru", "uz")

# The country of a language that we do not have: its speakers also read our language of that country.
_COUNTRIES = {
    "ba": "RU",
    "be": "BY",
    "cv": "RU",
    "kaa": "UZ",
    "kk": "KZ",
    "ky": "KG",
    "tg": "TJ",
    "tk": "TM",
    "tt": "RU",
}

_REGION = re.compile("[a-z]{2,8}(?:-[a-z]{4})?-([a-z]{2})(?:-|$)")  # the country in uz-latn-uz

NAMES = {"uz": "Oʻzbekcha", "ru": "Русский", "en": "English"}  # each in its own language


def language_of(request: HttpRequest, phone: str = "") -> str:
    """Return the first language that we have.

    Candidates are the person's choice (Django's cookie), ``Accept-Language`` in its order, the language of the phone's
    country, that of the project, and English.
    """
    return next((ours for code in _candidates(request, phone) if (ours := _nearest(code)) in LANGUAGES), "en")


def regions_of(request: HttpRequest) -> Iterator[str]:
    """Yield the countries that ``Accept-Language`` names, in its order: UZ for ``uz-UZ``."""
    yield from (found[1].upper() for code in _accepted(request) if (found := _REGION.match(code)))


def _accepted(request: HttpRequest) -> Iterator[str]:
    """Yield the languages in ``Accept-Language``, in lower case, the preferred one first."""
    header = parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    yield from (code for code, weight in header if weight > 0)


def _candidates(request: HttpRequest, phone: str) -> Iterator[str]:
    """Yield codes of languages, the preferred one first."""
    yield request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    yield from _accepted(request)
    if phone:
        yield conf.REGION_LANGUAGES.get(numbers.as_phone(phone).region, "")
    yield settings.LANGUAGE_CODE


def _nearest(code: str) -> str:
    """Return our language for speakers of a language; "" or a code that is not ours when there is none."""
    base, *rest = code.lower().split("-")
    if base == "uz" and "cyrl" in rest:  # our Uzbek is in Latin letters; readers of Cyrillic letters read Russian
        return "ru"
    return base if base in LANGUAGES else conf.REGION_LANGUAGES.get(_COUNTRIES.get(base, ""), "")
