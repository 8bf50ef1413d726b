"""Which of our languages a client is answered in."""

from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from .conf import conf
from .messages import LANGUAGES
from .phones import region_of

NAMES = {"uz": "Oʻzbekcha", "ru": "Русский", "en": "English"}  # each in its own language


def language_of(request: HttpRequest, phone: str = "") -> str:
    """The first that we speak: the person's choice (Django's cookie), what ``Accept-Language`` asks for in its order,
    the one of the phone's country, the project's own, English.
    """
    return next((base for code in _wanted(request, phone) if (base := code.partition("-")[0]) in LANGUAGES), "en")


def _wanted(request: HttpRequest, phone: str) -> Iterator[str]:
    yield request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    header = parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    yield from (code for code, weight in header if weight > 0)
    if phone:
        yield conf.REGION_LANGUAGES.get(region_of(phone), "")
    yield settings.LANGUAGE_CODE
