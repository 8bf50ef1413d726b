"""Ask staff for a second factor: ``class MyAdmin(SecondFactorMixin, AdminSite)`` is an admin site that does.

Whoever has none yet enrols at the first visit, by an authenticator app or a passkey. Until the factor is given,
``staff.StaffMiddleware`` leaves the session no rights anywhere.
"""

from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from .. import passwords, staff
from ..db.transactions import without_transactions
from .page import SecondFactorView


class SecondFactorMixin:
    """Let an AdminSite ask for password and second factor, and limit the tries of both."""

    asks_second_factor = True
    name: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        passwords.limit(self)  # type: ignore[arg-type]  # it is mixed into an AdminSite

    def has_permission(self, request: HttpRequest) -> bool:
        permitted: bool = super().has_permission(request)  # type: ignore[misc]  # an AdminSite's
        return permitted and not staff.awaits_factor(request, request.user)  # also in a project without the middleware

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and staff.awaits_factor(request, get_user(request)):
            page = reverse("admin:second_factor", current_app=self.name)
            return redirect(f"{page}?{request.GET.urlencode()}")
        answer: HttpResponse = super().login(request, extra_context)  # type: ignore[misc]
        return answer

    def get_urls(self) -> list[Any]:
        view = sensitive_post_parameters()(csrf_protect(never_cache(SecondFactorView.as_view(site=self))))
        page = login_not_required(without_transactions(view))  # a rollback would give tries back
        urls: list[Any] = super().get_urls()  # type: ignore[misc]
        return [path("second-factor/", page, name="second_factor"), *urls]
