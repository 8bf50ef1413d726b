"""Check what the token backends of libraries need of the project."""

from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error

from ..conf import conf, plugin
from ..tokens.adapters import LibraryTokens
from ..tokens.library_views import views_with
from .types import register

SIMPLEJWT = "otp_app.tokens.simplejwt.SimpleJwtTokens"
BLACKLIST = "rest_framework_simplejwt.token_blacklist"


@register()
def check_library_tokens(**_: Any) -> list[CheckMessage]:
    """Find a library that is not installed (E050), and views where its tokens give staff all rights (W030)."""
    with suppress(ImportError):  # E003 tells of it
        backend = plugin(conf.TOKEN_BACKEND)
        if isinstance(backend, LibraryTokens):
            return [*_missing_app(backend.app), *_views_that_trust(backend.authentication_class), *_no_blacklist()]
    return []


def _missing_app(app: str) -> list[CheckMessage]:
    if not app or apps.is_installed(app):
        return []
    text = f"OTP_TOKEN_BACKEND is {conf.TOKEN_BACKEND!r}, but {app} is not in INSTALLED_APPS."
    return [Error(text, hint=f'Add "{app}" to INSTALLED_APPS, and run `manage.py migrate`.', id="otp_app.E050")]


def _views_that_trust(authentication_class: str) -> list[CheckMessage]:
    if conf.STAFF_BY_CODE or not (views := views_with(authentication_class)):
        return []
    text = f"{authentication_class} would give staff who sign in by code alone all rights in {', '.join(views)}."
    hint = (
        "Staff gets no token until these views authenticate by otp_app.api.authentication.TokenAuthentication, or by a "
        "subclass that returns otp_app.staff.without_rights(user): docs/token-adapters.md has it."
    )
    return [checks.Warning(text, hint=hint, id="otp_app.W030")]


def _no_blacklist() -> list[CheckMessage]:
    if conf.TOKEN_BACKEND != SIMPLEJWT or apps.is_installed(BLACKLIST):
        return []
    text = "simplejwt has no blacklist, so whoever signs out stays signed in until the tokens expire."
    hint = f'Add "{BLACKLIST}" to INSTALLED_APPS, and run `manage.py migrate`.'
    return [checks.Warning(text, hint=hint, id="otp_app.W031")]
