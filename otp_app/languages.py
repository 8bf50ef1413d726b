"""Which of our languages a client is answered in."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from .messages import LANGUAGES


def language_of(request: HttpRequest) -> str:
    """The first of ``Accept-Language`` that we speak, then the project's own, then English."""
    header = parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    accepted = [code for code, weight in header if weight > 0]
    for code in (*accepted, settings.LANGUAGE_CODE):
        if (base := code.partition("-")[0]) in LANGUAGES:
            return base
    return "en"
