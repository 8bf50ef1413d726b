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


def _handler(middleware: list[str]) -> WSGIHandler:
    """Make a handler with this middleware: Django reads the setting when it makes one."""
    every, settings.MIDDLEWARE = settings.MIDDLEWARE, middleware
    try:
        return WSGIHandler()
    finally:
        settings.MIDDLEWARE = every


_api = _handler(getattr(settings, "API_MIDDLEWARE", settings.MIDDLEWARE))
_health = _handler([])
_HEALTH = ("/healthz", "/readyz")
_BOUNDARY = re.compile(r'boundary="?([\w.+-]{1,70})', re.ASCII | re.IGNORECASE)  # as browsers and curl make them
_METHODS = ("GET", "HEAD", "POST")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Let one of three handlers answer.

    The API needs no middleware that is for pages. Health checks need none at all: they are asked by address, which is
    not among ALLOWED_HOSTS. Pages would answer any method; the API refuses those that it has not in words of its own.
    """
    environ["CONTENT_TYPE"] = _media_type(environ.get("CONTENT_TYPE", ""))
    path = environ["PATH_INFO"]
    if path in _HEALTH:
        return _health(environ, start_response)
    if path.startswith("/api/"):
        return _api(environ, start_response)
    if environ["REQUEST_METHOD"] not in _METHODS:
        start_response("405 Method Not Allowed", [("Allow", ", ".join(_METHODS)), ("Content-Length", "0")])
        return []
    return _pages(environ, start_response)


def _media_type(content_type: str) -> str:
    """Return it without its parameters, but for the boundary of a form in parts: bodies are UTF-8.

    Of charsets Python remembers for good each name that is none. ValueError for one in RFC 2231's spelling.
    """
    media_type, _, parameters = content_type.partition(";")
    if "*" in parameters:
        raise ValueError(content_type)
    boundary = _BOUNDARY.search(parameters)
    return f"{media_type}; boundary={boundary[1]}" if boundary else media_type


warm()
