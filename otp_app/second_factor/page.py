"""Show the admin's page for the second factor, where whoever has none adds one."""

from typing import Any

from django.contrib.auth import get_user, logout
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from .. import staff
from ..factors import authenticators, relying_party
from . import asked
from .forms import SecondFactorForm


class SecondFactorView(RedirectURLMixin, FormView):  # type: ignore[type-arg]  # not generic at run time
    """Ask a session that a password began for the second factor; log out one whose factor was removed since."""

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
        self.asked = asked.find(request, user)
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index", current_app=self.site.name)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request, "asked": self.asked}

    def form_valid(self, form: SecondFactorForm) -> Any:
        self.asked.forget()
        staff.give_factor(self.request, form.key)
        if not form.recovery_codes:
            return super().form_valid(form)
        return self.render_to_response(self.get_context_data(form=form, next=self.get_success_url()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = _("Add a second factor") if self.asked.is_new else _("Second factor")
        context = {**self.site.each_context(self.request), "title": title, **super().get_context_data(**kwargs)}
        return context if context["form"].recovery_codes else context | self._question()

    def _question(self) -> dict[str, Any]:
        """Return what the page shows of the factors that it takes."""
        shown: dict[str, Any] = {"asked": self.asked, "passkey_options": self.asked.options()}
        shown["origins"] = " ".join(relying_party.origins())
        if self.asked.is_new:
            secret = authenticators.secret_of(self.asked.new)
            shown["secret"] = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
            shown["uri"] = authenticators.uri_of(self.asked.new, self.asked.user.get_username())
            shown["drawing"] = authenticators.drawing_of(shown["uri"])
        return shown
