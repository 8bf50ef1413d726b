"""Make the WSGI application, for any WSGI server; ``python -m otp_project`` runs it under granian."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
_pages = get_wsgi_application()

from django.conf import settings  # noqa: E402  (they must be loaded first)
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402

from otp_app.apps import warm  # noqa: E402

from .middleware import HEALTH_PATHS, handler_with  # noqa: E402

_api = handler_with(getattr(settings, "API_MIDDLEWARE", settings.MIDDLEWARE), WSGIHandler)
_health = handler_with([], WSGIHandler)
_BOUNDARY = re.compile(r'boundary="?([\w.+-]{1,70})', re.ASCII | re.IGNORECASE)  # as browsers and curl make them
_PAGE_METHODS = ("GET", "HEAD", "POST")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request by one of three handlers.

    The API needs no middleware for pages. Health checks need none at all: load balancers ask by address, which is not
    among ALLOWED_HOSTS. Pages would answer any method, so unknown methods end here; the API refuses them itself.
    """
    media_type = _media_type(environ.get("CONTENT_TYPE", ""))
    if media_type is None:
        start_response("400 Bad Request", [("Content-Length", "0")])
        return []
    environ["CONTENT_TYPE"] = media_type
    path = environ["PATH_INFO"]
    if path in HEALTH_PATHS:
        return _health(environ, start_response)
    if path.startswith("/api/"):
        return _api(environ, start_response)
    if environ["REQUEST_METHOD"] not in _PAGE_METHODS:
        start_response("405 Method Not Allowed", [("Allow", ", ".join(_PAGE_METHODS)), ("Content-Length", "0")])
        return []
    return _pages(environ, start_response)


def _media_type(content_type: str) -> str | None:
    """Return a content type without its parameters, except for the boundary of a multipart form.

    Bodies are UTF-8, and Python never forgets the name of an unknown charset. Return None for a parameter in the
    spelling of RFC 2231, which Django reads while it makes the request: its errors there are the server's 500.
    """
    media_type, _, parameters = content_type.partition(";")
    if "*" in parameters:
        return None
    boundary = _BOUNDARY.search(parameters)
    return f"{media_type}; boundary={boundary[1]}" if boundary else media_type


warm()
