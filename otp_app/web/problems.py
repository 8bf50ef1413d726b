"""Show a page when something is wrong before a view is reached, or when a view has failed."""

import base64
import hashlib
import logging
from functools import cache, partial

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_NO_CSRF_COOKIE
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ..conf import conf
from ..errors import FAILED
from . import pages

# The page of a failure holds its own style; the link to "" loads the same address again.
_STYLE = (
    "body{max-width:27rem;margin:2rem auto;padding:0 1.25rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'"
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>{title} · {brand}</title>
  <style>{style}</style>
</head>
<body>
  <p>{brand}</p>
  <main>
    <h1>{title}</h1>
    <p role="alert">{text}</p>
    <p><a href="">{again}</a></p>
  </main>
</body>
</html>
"""

_BAD_ORIGIN = REASON_BAD_ORIGIN.partition("%")[0]
_SETUP_WARNING = (
    "forms of the page are refused: to the service they seem to come over http, or from another host. Behind a proxy "
    "set OTP_TRUSTED_PROXIES (in a project also SECURE_PROXY_SSL_HEADER), and have the proxy send Host as it came, and "
    "X-Forwarded-Proto. Without a proxy the page needs TLS. See manage.py otp_doctor."
)
_NOT_ACCEPTED = _(
    "We could not accept this request, so nothing was done. If you came here by yourself, the mistake is in how this "
    "site is set up, not yours. Please tell its owner."
)
_warn = cache(logging.getLogger("otp_app.web").warning)  # each text once: anybody could fill the log


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer ``CSRF_FAILURE_VIEW``: a form of another site, a browser without cookies, or a page left open for long.

    Our own form behind a proxy that the settings do not name looks like a form of another site: warn the operator.
    """
    text = _("This page was open for too long, or your browser keeps no cookies. Go on from here.")
    if _is_our_own(request, reason) or _has_no_tls(request, reason):
        _warn(_SETUP_WARNING)
        text = _NOT_ACCEPTED
    return pages.respond(request, partial(pages.show, request, "problem", status=403, text=text))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Say that a request could not be read, or that its session was ended meanwhile, for example in another tab.

    A host that is not in ALLOWED_HOSTS is not the person's fault: a proxy may have written it.
    """
    text = (
        _NOT_ACCEPTED
        if isinstance(exception, DisallowedHost)
        else _("This request could not be read, or the sign-in has ended meanwhile. Go on from here.")
    )
    return _problem_page(request, 400, text)


def not_found(request: HttpRequest) -> HttpResponseBase:
    """Say that there is no page at this address."""
    return _problem_page(request, 404, _("There is no such page."))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Say that the program has failed, without templates, static files or URLs: one of them may be the cause."""
    return pages.respond(request, _failure_page)


def _is_our_own(request: HttpRequest, reason: str) -> bool:
    """Tell whether a form of a foreign origin is ours: the browser says so, or its origin differs only by TLS."""
    own = f"https://{request.META.get('HTTP_HOST')}"
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin" or request.headers.get("Origin") == own
    return ours and reason.startswith(_BAD_ORIGIN)


def _has_no_tls(request: HttpRequest, reason: str) -> bool:
    """Tell whether the browser refused our cookie because the request came without TLS."""
    return reason == REASON_NO_CSRF_COOKIE and settings.CSRF_COOKIE_SECURE and not request.is_secure()


def _problem_page(request: HttpRequest, status: int, text: object) -> HttpResponseBase:
    """Show a problem without the choice of languages: no view at this address could take its form."""
    return pages.respond(request, partial(pages.show, request, "problem", status=status, text=text, languages={}))


def _failure_page() -> HttpResponse:
    words = {"brand": conf.BRAND, "title": _("This did not work"), "text": FAILED, "again": _("Try again")}
    page = format_html(_PAGE, language=get_language(), style=mark_safe(_STYLE), **words)  # noqa: S308  (our own)
    return HttpResponse(page, status=500, headers={"Content-Security-Policy": _POLICY})
