"""The WSGI application, for any WSGI server; ``python -m otp_project`` runs it under granian."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
_pages = get_wsgi_application()

from django.conf import settings  # noqa: E402  (they must be loaded first)
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402

from otp_app.apps import warm  # noqa: E402


def _handler_of_api() -> WSGIHandler:
    """Django reads the setting when it makes a handler."""
    every, settings.MIDDLEWARE = settings.MIDDLEWARE, getattr(settings, "API_MIDDLEWARE", settings.MIDDLEWARE)
    try:
        return WSGIHandler()
    finally:
        settings.MIDDLEWARE = every


_api = _handler_of_api()
_PAGES_OF_API = ("/api/docs/", "/api/schema/")  # people read them, in their language


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API has a handler of its own, without the middleware that only pages need."""
    path = environ["PATH_INFO"]
    handler = _api if path.startswith("/api/") and not path.startswith(_PAGES_OF_API) else _pages
    return handler(environ, start_response)


warm()
