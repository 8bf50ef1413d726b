"""Lets DRF views, ours and a host project's, recognise who holds a token of the backend in force."""

from typing import Any

from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from .. import tokens


class TokenAuthentication(BaseAuthentication):
    """For ``REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]`` or a view's ``authentication_classes``."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        backend = tokens.current()
        user = backend.authenticate(request._request)
        if user is None:
            return None
        if backend.ambient:
            _require_csrf(request)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _require_csrf(request: Request) -> None:
    check = CSRFCheck(HttpResponse)  # the middleware is only asked, not run
    check.process_request(request._request)
    if check.process_view(request._request, HttpResponse, (), {}):
        raise PermissionDenied
