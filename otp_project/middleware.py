"""Give the API one middleware that does what it needs of those for pages."""

from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
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

_ORIGIN = 300  # characters: a scheme, a host of 253 and a port; Python remembers what it has split

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ApiMiddleware:
    """Do what four middleware do, in one step: each step of Django's own costs as much as the work in it.

    They are SecurityMiddleware, CorsMiddleware (for requests with an ``Origin`` alone), CommonMiddleware and
    XFrameOptionsMiddleware. And refuse a body that is longer than its path may take, which the server has not kept.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._view = get_response
        self._security = SecurityMiddleware(get_response)
        self._common = CommonMiddleware(get_response)
        self._frames = XFrameOptionsMiddleware(get_response)
        self._own: Any = convert_exception_to_response(self._answer)  # a host that is not ours is answered in here
        self._foreign = CorsMiddleware(self._own)  # type: ignore[arg-type]  # nothing here is asynchronous

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        inner = self._foreign if 0 < len(request.META.get("HTTP_ORIGIN", "")) <= _ORIGIN else self._own
        response: Any = self._security.process_request(request) or inner(request)
        return self._security.process_response(request, response)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self._common.process_request(request) or _too_large(request) or self._view(request)
        return self._common.process_response(request, self._frames.process_response(request, response))


def _too_large(request: HttpRequest) -> HttpResponseBase | None:
    if is_declared_longer(request.META, max_bytes(request.path_info)):
        return unlogged(problems.answer(request, problems.TooLarge()))
    return None
