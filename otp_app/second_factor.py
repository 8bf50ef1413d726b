"""Ask staff for a second factor: ``class MyAdmin(SecondFactorMixin, AdminSite)`` is an admin site that does.

Whoever has none yet enrols at the first visit. Until the factor is given, ``staff.StaffMiddleware`` leaves the session
no rights anywhere.
"""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.auth import get_user, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import RedirectURLMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import FormView

from . import factors, passwords, proofs, staff
from .db.transactions import without_transactions
from .factors import authenticators
from .limits.clients import client_of
from .models import Authenticator
from .proofs import enrolments

_NEW = "otp_app_new_factor"  # the factor that the person of this session is about to add
_MAX_CHARACTERS = 32


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


class SecondFactorForm(forms.Form):
    """Take the code of an authenticator that the person has or is about to add, or a recovery code."""

    code = forms.CharField(label=_("Code"), max_length=_MAX_CHARACTERS)

    def __init__(
        self, *args: Any, request: HttpRequest, user: Any, factor: Authenticator, is_new: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user, self.factor, self.is_new = request, user, factor, is_new
        self.recovery_codes: list[str] = []
        self.fields["code"].widget.attrs |= {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}

    @sensitive_variables()
    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        client = client_of(self.request.META)
        with passwords.refusing(str(self.user.pk), client, self.request):
            if not (self._enrol(code, client) if self.is_new else self._prove(code, client)):
                raise ValidationError(_("This code is wrong, or it was used already."), code="invalid")
        return code

    def _prove(self, code: str, client: str) -> bool:
        factor = {"by": factors.kind_of(code), "answer": code}
        return proofs.prove(self.user, factor, client=client, request=self.request)

    def _enrol(self, code: str, client: str) -> bool:
        self.recovery_codes = authenticators.enrol(self.user, self.factor, code)
        if self.recovery_codes:
            enrolments.record_added(self.user, self.request, client)
        return bool(self.recovery_codes)


class SecondFactorView(RedirectURLMixin, FormView):  # type: ignore[type-arg]  # not generic at run time
    """Show the page for the second factor, which adds an authenticator for whoever has none."""

    template_name = "otp_app/admin/second_factor.html"
    form_class = SecondFactorForm
    site: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.current_app = self.site.name  # as the admin's own views set it
        user = get_user(request)
        if not staff.awaits_factor(request, user):
            return redirect(self.get_success_url())
        if "leave" in request.POST or staff.is_given(request):  # given was a factor that was removed since
            logout(request)
            return redirect(self.get_success_url())
        self.user, kept = user, authenticators.find(user)
        self.is_new = kept is None
        self.factor = kept or authenticators.new(user, request.session.setdefault(_NEW, uuid4().hex))
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index", current_app=self.site.name)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {
            "request": self.request,
            "user": self.user,
            "factor": self.factor,
            "is_new": self.is_new,
        }

    def form_valid(self, form: SecondFactorForm) -> Any:
        staff.give_factor(self.request, self.factor.pk.hex)
        if not self.is_new:
            return super().form_valid(form)
        del self.request.session[_NEW]
        return self.render_to_response(self.get_context_data(form=form, next=self.get_success_url()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = _("Add a second factor") if self.is_new else _("Second factor")
        context = {**self.site.each_context(self.request), "title": title, **super().get_context_data(**kwargs)}
        if self.is_new:
            secret = authenticators.secret_of(self.factor)
            context["secret"] = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
            context["uri"] = authenticators.uri_of(self.factor, self.user.get_username())
            context["drawing"] = authenticators.drawing_of(context["uri"])
        return context
