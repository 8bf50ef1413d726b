"""Take a phone number and a code together on one page, where another browser or an app asked for the code.

This browser does not hold the id of the challenge, so the check is one of those open to requests that name only the
phone (OTP_CHECKS_BY_PHONE).
"""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..errors import InvalidOrExpiredCode, OtpError
from ..limits.clients import client_of
from . import account, destinations, pages, texts
from .forms import PhoneAndCodeForm

_CHECKS = "otp_app_elsewhere"  # in the session: how many codes were entered on this page


def is_offered() -> bool:
    """Tell whether the settings let a code be checked for a request that names only the phone."""
    return conf.CHECKS_BY_PHONE > 0 and not conf.REQUIRE_CHALLENGE_ID


@pages.page
def enter(request: HttpRequest) -> HttpResponseBase:
    """Show the page, and sign in when a number and its code are entered."""
    destination = destinations.from_request(request)
    if not is_offered():
        return redirect(reverse("otp_web:phone") + destination.query)
    form, error = PhoneAndCodeForm(request.POST if request.method == "POST" else None), None
    checks = request.session.get(_CHECKS, 0)
    form.refuse_reload(checks)
    if form.is_valid():
        request.session[_CHECKS] = checks = checks + 1
        try:
            return account.sign_in(request, destination, **form.cleaned_data)
        except OtpError as refused:
            error = refused
    form.record_refusals(client_of(request.META))
    values: dict[str, Any] = {
        "form": form,
        "checks": checks,
        "typed": request.POST.get("phone", ""),
        "length": policy_for(LOGIN).length,
        "tried": isinstance(error, InvalidOrExpiredCode),
        "ready": form.is_bound and "phone" not in form.errors,  # the number is good: the code gets the focus
    }
    return pages.show(request, "elsewhere", destination, error=error, **values, **texts.number_field())
