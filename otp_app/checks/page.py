"""Check the settings of the hosted page, if the project includes it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from ..conf import conf
from ..web.brand import is_color
from .types import register

_MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)


@register()
def check_page(**_: Any) -> list[CheckMessage]:
    """Find invalid settings of the page (E024) and parts that it needs and the project lacks (E025)."""
    return [*_wrong_settings(), *_missing()] if is_included() else []


@register(deploy=True)
def check_cookies(**_: Any) -> list[CheckMessage]:
    """Warn that another host of the domain could put a session, or a form's token, of its own into a browser (W006)."""
    names = ["SESSION_COOKIE_NAME", *([] if settings.CSRF_USE_SESSIONS else ["CSRF_COOKIE_NAME"])]
    open_ones = [name for name in names if not getattr(settings, name).startswith("__Host-")]
    if not open_ones or not is_included():
        return []
    text = f"Another host of the domain can set the cookies that {' and '.join(open_ones)} name."
    hint = 'Let the names begin with "__Host-", as "__Host-sessionid", with Secure, the path "/" and no domain.'
    return [checks.Warning(text, hint=hint, id="otp_app.W006")]


@register(deploy=True)
def check_tls(**_: Any) -> list[CheckMessage]:
    """Warn that a project cannot know that a request came over TLS, unless TLS ends in its process (W010)."""
    if bool(settings.SECURE_PROXY_SSL_HEADER) or not is_included():  # a project's may be another than that of mypy
        return []
    text = "SECURE_PROXY_SSL_HEADER is not set: behind a proxy that ends TLS every form of the page is refused."
    hint = (
        "The ready service sets it with OTP_TRUSTED_PROXIES; the proxy must set X-Forwarded-Proto itself. Where TLS "
        "ends in the server of the project, put otp_app.W010 into SILENCED_SYSTEM_CHECKS."
    )
    return [checks.Warning(text, hint=hint, id="otp_app.W010")]


def is_included() -> bool:
    """Return whether the project has the page."""
    if not getattr(settings, "ROOT_URLCONF", None):  # a project of services only
        return False
    try:
        reverse("otp_web:phone")
    except (NoReverseMatch, ImportError):  # of an addresses' file that is wrong Django's own checks tell
        return False
    return True


def _wrong_settings() -> Iterator[CheckMessage]:
    if not is_color(conf.COLOR):
        text = f"OTP_COLOR is {conf.COLOR!r}; it must be of the form #1f5fd6."
        yield Error(text, hint="Write # and six hexadecimal digits.", id="otp_app.E024")
    if ":" in conf.LOGO or conf.LOGO.startswith("/"):
        text = "OTP_LOGO must be the path of a static file, as brand/logo.svg: the page loads nothing from elsewhere."
        yield Error(text, hint="Put the logo among your static files and name its path there.", id="otp_app.E024")


def _missing() -> Iterator[CheckMessage]:
    missing = [name for name in _MIDDLEWARE if not _runs(name)]
    missing += [name for name in ("django.contrib.auth", "django.contrib.staticfiles") if not apps.is_installed(name)]
    if not any(isinstance(engine, DjangoTemplates) and engine.engine.app_dirs for engine in engines.all()):
        missing.append("TEMPLATES with APP_DIRS")
    if urlsplit(settings.STATIC_URL or "").netloc:
        missing.append("a STATIC_URL on its own host: it loads nothing from another")
    if missing:
        hint = "Add what is missing to the settings, or leave otp_app.web.urls out of your urls.py."
        yield Error(f"The hosted page needs {', '.join(missing)}.", hint=hint, id="otp_app.E025")


def _runs(name: str) -> bool:
    """Return whether MIDDLEWARE holds the class or a subclass."""
    classes = [found for path in settings.MIDDLEWARE if isinstance(found := import_string(path), type)]
    return any(issubclass(found, import_string(name)) for found in classes)
