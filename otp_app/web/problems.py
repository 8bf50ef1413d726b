"""Show a page when something is wrong before a view is reached, or when a view has failed."""

import base64
import hashlib
import logging
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_NO_CSRF_COOKIE
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .. import notices
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
_UNTRUSTED_PROTO = (
    "A form of the page is refused: a proxy sends X-Forwarded-Proto: https, which is not trusted. Set "
    "OTP_TRUSTED_PROXIES to the number of your proxies; in your own project set SECURE_PROXY_SSL_HEADER as well."
)
_NO_TLS = (
    "A form of the page is refused: requests come over http. Have the proxy that ends TLS set X-Forwarded-Proto to the "
    "scheme of the request, and OTP_TRUSTED_PROXIES to the number of your proxies. Without a proxy the page needs TLS."
)
_OTHER_HOST = (
    "A form of the page is refused: browsers name another host than the proxy does. Have the proxy send Host as it "
    "came, or name the origin of the page in CSRF_TRUSTED_ORIGINS."
)
_NOT_ACCEPTED = _(
    "We could not accept this request, so nothing was done. If you came here by yourself, the mistake is in how this "
    "site is set up, not yours. Please tell its owner."
)
logger = logging.getLogger("otp_app.web")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer ``CSRF_FAILURE_VIEW``: a form of another site, a browser without cookies, or a page left open for long.

    Our own form looks like a form of another site where a proxy or the settings are wrong: tell the operator which.
    """
    text = _("This page was open for too long, or your browser keeps no cookies. Go on from here.")
    if _is_our_own(request, reason) or _has_no_tls(request, reason):
        for cause in _causes(request):
            notices.warn(logger, cause)
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


def _causes(request: HttpRequest) -> Iterator[str]:
    """Yield what the setup lacks, by a refused form of ours."""
    scheme, _, host = request.headers.get("Origin", "").partition("://")
    if host and host != request.get_host():
        yield _OTHER_HOST
    if not request.is_secure() and (scheme == "https" or settings.CSRF_COOKIE_SECURE):
        yield _UNTRUSTED_PROTO if request.headers.get("X-Forwarded-Proto") == "https" else _NO_TLS


def _problem_page(request: HttpRequest, status: int, text: object) -> HttpResponseBase:
    """Show a problem without the choice of languages: no view at this address could take its form."""
    return pages.respond(request, partial(pages.show, request, "problem", status=status, text=text, languages={}))


def _failure_page() -> HttpResponse:
    words = {"brand": conf.BRAND, "title": _("This did not work"), "text": FAILED, "again": _("Try again")}
    page = format_html(_PAGE, language=get_language(), style=mark_safe(_STYLE), **words)  # noqa: S308  (our own)
    return HttpResponse(page, status=500, headers={"Content-Security-Policy": _POLICY})
