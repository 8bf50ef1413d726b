"""Guard views, ours and a host project's, by what a request must bring beside its user."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.utils.translation import override
from rest_framework.permissions import BasePermission

from ..errors import NotAuthenticated, OtpError
from ..phones.languages import language_of
from . import problems

View = Callable[..., Any]


class Guard(BasePermission):
    """Let a request of a user through to a DRF view unless ``check`` raises: a permission that takes arguments."""

    def check(self, request: Any) -> None:
        """Raise the OtpError by which the request of a user is refused, if it is."""
        raise NotImplementedError

    def __call__(self) -> "Guard":
        """Return this permission: DRF makes one of what it takes for a class."""
        return self

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        try:
            self.check(request)
        except OtpError as error:
            with override(language_of(request)):  # a view of a host may speak another one
                raise problems.Refused(error) from None
        return True

    def guarding(self, view: View) -> View:
        """Return a synchronous Django view with this guard before it; 401 for a request without a user."""

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                if not request.user.is_authenticated:
                    raise NotAuthenticated
                self.check(request)
            except OtpError as error:
                return problems.answer(request, error)
            return view(request, *args, **kwargs)

        return guarded
