"""Answer requests that no view has answered: below the API with problem details, elsewhere with a page.

A project names these handlers in its ``urls.py``: ``handler404 = "otp_app.handlers.not_found"``, and so on.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, get_script_prefix, reverse

from .api import problems
from .errors import InvalidRequest
from .web import problems as pages


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Answer ``handler400``."""
    return problems.answer(request, InvalidRequest()) if _is_for_api(request) else pages.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:  # noqa: ARG001  (Django's signature)
    """Answer ``handler404``."""
    return problems.answer(request, problems.NotFound()) if _is_for_api(request) else pages.not_found(request)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer ``handler500`` without a database, session or template, because one of them may have failed."""
    return problems.answer(request, problems.ServerError()) if _is_for_api(request) else pages.server_error(request)


def _is_for_api(request: HttpRequest) -> bool:
    """Return whether a request is for the API: by its path, or by Accept where the API is included at the root."""
    try:
        root = reverse("otp_app:me").removesuffix("me/")
    except NoReverseMatch:
        return False
    if root == get_script_prefix():
        return "text/html" not in request.headers.get("Accept", "")
    return request.path.startswith(root)
