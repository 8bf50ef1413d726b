"""Pages for what is wrong before a view is reached, or when one has failed."""

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

# The page of a failure brings its style along; "" leads to where the person is.
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
_SETUP = (
    "forms of the page are refused: to the service they seem to come over http, or from another host. Behind a proxy "
    "set OTP_TRUSTED_PROXIES (in a project also SECURE_PROXY_SSL_HEADER), and have the proxy send Host as it came, and "
    "X-Forwarded-Proto. Without a proxy the page needs TLS. See manage.py otp_doctor."
)
_NOT_ACCEPTED = _(
    "We could not accept this request, so nothing was done. If you came here by yourself, the mistake is in how this "
    "site is set up, not yours. Please tell its owner."
)
_warn = cache(logging.getLogger("otp_app.web").warning)  # once: anybody could fill the log


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """``CSRF_FAILURE_VIEW``: a form of another site, a browser without cookies, or a page left open since a sign-in.

    Or our own form behind a proxy that we are not told of, which looks like the first of these.
    """
    text = _("This page was open for too long, or your browser keeps no cookies. Go on from here.")
    if _is_our_own(request, reason) or _has_no_tls(request, reason):
        _warn(_SETUP)
        text = _NOT_ACCEPTED
    return pages.answer(request, partial(pages.show, request, "problem", status=403, text=text))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Say that a request was no good, or that its session has ended, in another tab, while it was under way.

    A host that is not in ALLOWED_HOSTS is no fault of the person's: a proxy may have written it.
    """
    text = (
        _NOT_ACCEPTED
        if isinstance(exception, DisallowedHost)
        else _("This request could not be read, or the sign-in has ended meanwhile. Go on from here.")
    )
    return _at_no_address(request, 400, text)


def not_found(request: HttpRequest) -> HttpResponseBase:
    """Say that there is no page at this address."""
    return _at_no_address(request, 404, _("There is no such page."))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Say that the program has failed, without a template, a file or an address: one of them may be what failed."""
    return pages.answer(request, _failed)


def _is_our_own(request: HttpRequest, reason: str) -> bool:
    """Tell whether a form of a foreign origin is ours all the same: by the browser's word, or but for TLS."""
    own = f"https://{request.META.get('HTTP_HOST')}"
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin" or request.headers.get("Origin") == own
    return ours and reason.startswith(_BAD_ORIGIN)


def _has_no_tls(request: HttpRequest, reason: str) -> bool:
    """Tell whether the browser could keep no cookie of ours: it keeps them over TLS only."""
    return reason == REASON_NO_CSRF_COOKIE and settings.CSRF_COOKIE_SECURE and not request.is_secure()


def _at_no_address(request: HttpRequest, status: int, text: object) -> HttpResponseBase:
    """Without the choice of languages: there is nothing here that a form could be sent to."""
    return pages.answer(request, partial(pages.show, request, "problem", status=status, text=text, languages={}))


def _failed() -> HttpResponse:
    words = {"brand": conf.BRAND, "title": _("This did not work"), "text": FAILED, "again": _("Try again")}
    page = format_html(_PAGE, language=get_language(), style=mark_safe(_STYLE), **words)  # noqa: S308  (our own)
    return HttpResponse(page, status=500, headers={"Content-Security-Policy": _POLICY})
