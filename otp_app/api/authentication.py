"""Authenticate the requests to DRF views, ours and a host project's, by the token backend in force."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from .. import tokens
from ..tokens.base import TokenBackend


class TokenAuthentication(BaseAuthentication):
    """Authenticate a request by its token, or by its session where the token backend keeps one.

    Name this class in ``REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]`` or in a view's ``authentication_classes``.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """Return the user of the token, or None without a valid one.

        Raise PermissionDenied when a browser sent the credentials by itself (a cookie) and the CSRF token is missing.
        """
        backend = tokens.current()
        user = self.user_of(request._request, backend)
        if user is None:
            return None
        if backend.ambient:
            _require_csrf_token(request)
        return user, None

    def user_of(self, request: HttpRequest, backend: TokenBackend) -> Any | None:
        return backend.authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class LiveTokenAuthentication(TokenAuthentication):
    """Authenticate as TokenAuthentication does, but refuse the JWT of a session that was ended, at once.

    That takes one query. Other tokens are looked up at each request anyway, so for them the classes are alike.
    """

    def user_of(self, request: HttpRequest, backend: TokenBackend) -> Any | None:
        authenticate = getattr(backend, "authenticate_live", backend.authenticate)
        return authenticate(request)


def _require_csrf_token(request: Request) -> None:
    check = CSRFCheck(HttpResponse)  # the middleware is only asked, not run
    check.process_request(request._request)
    if check.process_view(request._request, HttpResponse, (), {}):
        raise PermissionDenied
