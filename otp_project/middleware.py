"""Make handlers with the middleware that their paths need, above all one for the API in place of four for pages."""

from collections.abc import Callable
from typing import Any, TypeVar

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware

from otp_app.api import problems
from otp_app.bodies import is_declared_longer
from otp_app.errors import unlogged

from .bodies import max_bytes

HEALTH_PATHS = ("/healthz", "/readyz")
_MAX_ORIGIN_CHARACTERS = 300  # a scheme, a host of 253 and a port; Python keeps each address that it has split

GetResponse = Callable[[HttpRequest], HttpResponseBase]
Handler = TypeVar("Handler")


def handler_with(middleware: list[str], make: Callable[[], Handler]) -> Handler:
    """Make a handler with this middleware; a handler reads the setting MIDDLEWARE only when it is made."""
    own, settings.MIDDLEWARE = settings.MIDDLEWARE, middleware
    try:
        return make()
    finally:
        settings.MIDDLEWARE = own


class ApiMiddleware:
    """Do the work of four middleware in one step, because each step of Django's costs as much as the work in it.

    The four are SecurityMiddleware, CorsMiddleware (only for requests with an ``Origin``), CommonMiddleware and
    XFrameOptionsMiddleware. Also refuse a body that is too long for its path: the server has dropped it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._view = get_response
        self._security = SecurityMiddleware(get_response)
        self._common = CommonMiddleware(get_response)
        self._frames = XFrameOptionsMiddleware(get_response)
        # Converted, because CommonMiddleware raises for a host that is not in ALLOWED_HOSTS.
        self._without_cors: Any = convert_exception_to_response(self._answer)
        self._with_cors = CorsMiddleware(self._without_cors)  # type: ignore[arg-type]  # nothing here is asynchronous

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        has_origin = 0 < len(request.META.get("HTTP_ORIGIN", "")) <= _MAX_ORIGIN_CHARACTERS
        inner = self._with_cors if has_origin else self._without_cors
        response: Any = self._security.process_request(request) or inner(request)
        return self._security.process_response(request, response)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self._common.process_request(request) or _too_large(request) or self._view(request)
        return self._common.process_response(request, self._frames.process_response(request, response))


def _too_large(request: HttpRequest) -> HttpResponseBase | None:
    if is_declared_longer(request.META, max_bytes(request.path_info)):
        return unlogged(problems.answer(request, problems.TooLarge()))
    return None
