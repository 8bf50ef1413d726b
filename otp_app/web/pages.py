"""Give all pages their language, their headers, and an answer when something is wrong."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.encoding import iri_to_uri
from django.utils.translation import override
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from ..conf import CONSOLE, conf, provider_entries
from ..db.transactions import without_transactions
from ..errors import UNREACHABLE, InvalidAuthorization, OtpError, Unavailable, unlogged
from ..phones.languages import NAMES, language_of
from . import texts
from .destinations import Destination

_LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3600

View = Callable[..., HttpResponseBase]


def page(view: View) -> Any:
    """Make a view answer in the person's language, outside of transactions, and refuse forms of other sites."""

    @csrf_protect
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and request.POST.get("language") in NAMES:
            return _switch_language(request, request.POST["language"])
        return view(request, *args, **kwargs)

    @wraps(view)
    @sensitive_post_parameters("code", "factor", "passkey")
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return respond(request, partial(protected, request, *args, **kwargs))

    return without_transactions(shown)


def post_only(view: View) -> View:
    """Make a view take POST only; redirect a GET, for example of a reloaded address, to the first step."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.method == "POST" else redirect("otp_web:phone")

    return checked


def respond(request: HttpRequest, make: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return the response of ``make`` in the person's language, or a page with the reason why it failed.

    The response gets the headers of all pages.
    """
    with override(language := language_of(request)):
        try:
            response = make()
        except InvalidAuthorization as error:
            response = show(request, "problem", error=error, parameter=error.parameter)
        except UNREACHABLE:
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
    """Render the template ``name``, with the status of ``error`` if there is one.

    Its forms may redirect to ``destination``.
    """
    shared = {
        "brand": conf.BRAND,
        "logo": conf.LOGO,
        "color": conf.COLOR.lstrip("#"),
        "languages": NAMES,
        "query": destination.query if destination else "",
        "site": destination.authorization.client.name if destination and destination.authorization else "",
        "error": error,
        "alert": error.detail if error else "",
        "offered": texts.named(getattr(error, "channels", ())),
    }
    response = render(request, f"otp_app/web/{name}.html", shared | context, status=error.status if error else status)
    if error and error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    response["Content-Security-Policy"] = _policy(destination.origin if destination else "")
    return response if error is None or isinstance(error, Unavailable) else unlogged(response)


def carried(request: HttpRequest) -> dict[str, str]:
    """Return the hidden fields of a form that sends the code again with more, so that nothing is kept meanwhile."""
    fields = {name: request.POST[name] for name in ("phone", "code", "account") if name in request.POST}
    if "checks" in request.POST:
        fields["checks"] = str(int(request.POST["checks"]) + 1)  # this request has entered a code
    return fields


def redirect_to(address: str) -> HttpResponse:
    """Redirect to an address that was checked before, of any scheme: Django's own redirect refuses those of apps.

    It is made empty and filled afterwards, because a test client that follows redirects asks for Django's class.
    """
    response = HttpResponseRedirect("")
    response["Location"] = iri_to_uri(address)
    return response


def codes_are_in_the_terminal() -> bool:
    """Tell whether only the console provider is in use, in development: then the terminal shows the codes."""
    return bool(settings.DEBUG) and all(entry.get("BACKEND") == CONSOLE for entry in provider_entries())


def _switch_language(request: HttpRequest, language: str) -> HttpResponse:
    """Reload the page in the chosen language, and keep the choice for a year in the cookie that Django itself reads."""
    response = HttpResponseRedirect(request.get_full_path())
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=_LANGUAGE_COOKIE_SECONDS,
        path=settings.LANGUAGE_COOKIE_PATH,
        domain=settings.LANGUAGE_COOKIE_DOMAIN,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _policy(origin: str) -> str:
    """Return the content security policy: load from and submit to this site only (and ``origin``); no framing."""
    fixed = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
    return f"{fixed} {origin}".strip()
