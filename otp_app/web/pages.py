"""What all pages share: language, headers, and what a person reads when something is wrong."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.encoding import iri_to_uri
from django.utils.translation import override
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from ..conf import CONSOLE, conf, provider_entries
from ..db.transactions import without_transactions
from ..errors import InvalidAuthorization, OtpError, Unavailable, unlogged
from ..phones.languages import NAMES, language_of
from .destinations import Destination

_DOWN = (Unavailable, OperationalError, InterfaceError, InternalError)
_CHOICE_KEPT = 365 * 24 * 3600  # seconds

View = Callable[..., HttpResponseBase]


def page(view: View) -> Any:
    """A view that answers in the person's language, in no transaction, and to no other site's forms."""

    @csrf_protect
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and request.POST.get("language") in NAMES:
            return _chosen(request, request.POST["language"])
        return view(request, *args, **kwargs)

    @wraps(view)
    @sensitive_post_parameters("code")
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return answer(request, partial(protected, request, *args, **kwargs))

    return without_transactions(shown)


def posted(view: View) -> View:
    """For what only a form does: who comes to its address by another way is led to the first step."""

    @wraps(view)
    def led(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.method == "POST" else redirect("otp_web:phone")

    return led


def answer(request: HttpRequest, make: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """What is made in the person's language, or why it cannot be, with the headers of all pages."""
    with override(language := language_of(request)):
        try:
            response = make()
        except InvalidAuthorization as error:
            response = show(request, "problem", error=error, parameter=error.parameter)
        except _DOWN:
            response = show(request, "problem", error=Unavailable())
    response["Cache-Control"] = "no-store"
    response["Content-Language"] = language
    response["X-Frame-Options"] = "DENY"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "same-origin"  # the query may hold a site's state; Django's CSRF check needs our own
    return response


def show(
    request: HttpRequest,
    name: str,
    destination: Destination | None = None,
    *,
    error: OtpError | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render a page; with ``error`` it has its status. What its forms lead to is ``destination``, in the end."""
    shared = {
        "brand": conf.BRAND,
        "logo": conf.LOGO,
        "color": conf.COLOR.lstrip("#"),
        "languages": NAMES,
        "query": destination.query if destination else "",
        "site": destination.authorization.client.name if destination and destination.authorization else "",
        "error": error,
    }
    response = render(request, f"otp_app/web/{name}.html", shared | context, status=error.status if error else status)
    if error and error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    response["Content-Security-Policy"] = _policy(destination.origin if destination else "")
    return response if error is None or isinstance(error, Unavailable) else unlogged(response)


def lead_to(address: str) -> HttpResponse:
    """Django's own redirect refuses the schemes of apps; where a person is led to was checked before."""
    response = HttpResponse(status=302)
    response["Location"] = iri_to_uri(address)
    return response


def codes_are_in_the_terminal() -> bool:
    """In development, when no provider reaches a phone."""
    return bool(settings.DEBUG) and all(entry.get("BACKEND") == CONSOLE for entry in provider_entries())


def _chosen(request: HttpRequest, language: str) -> HttpResponse:
    """The same page in the language that was chosen, for a year: in the cookie that Django itself reads."""
    response = HttpResponseRedirect(request.get_full_path())
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=_CHOICE_KEPT,
        path=settings.LANGUAGE_COOKIE_PATH,
        domain=settings.LANGUAGE_COOKIE_DOMAIN,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _policy(origin: str) -> str:
    """What is not of this site is neither loaded nor sent to, and nobody may put the page into a frame."""
    fixed = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
    return f"{fixed} {origin}".strip()
