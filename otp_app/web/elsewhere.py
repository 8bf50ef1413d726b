"""A code that was asked for elsewhere, as in another browser: the number and the code together, on one page.

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
from . import account, destinations, pages, words
from .forms import ALREADY_SENT, PhoneAndCodeForm

_CHECKS = "otp_app_elsewhere"  # codes that were typed here


def is_offered() -> bool:
    """Tell whether a code can be checked for who names only the phone."""
    return conf.CHECKS_BY_PHONE > 0 and not conf.REQUIRE_CHALLENGE_ID


@pages.page
def elsewhere(request: HttpRequest) -> HttpResponseBase:
    destination = destinations.of(request)
    if not is_offered():
        return redirect(reverse("otp_web:phone") + destination.query)
    form, error = PhoneAndCodeForm(request.POST if request.method == "POST" else None), None
    checks = request.session.get(_CHECKS, 0)
    if form.is_valid() and request.POST.get("checks", str(checks)) != str(checks):
        form.add_error("code", ALREADY_SENT)  # a reload of the page that told of a wrong code costs no check
    if form.is_valid():
        request.session[_CHECKS] = checks = checks + 1
        try:
            return account.sign_in(request, destination, **form.cleaned_data)
        except OtpError as refused:
            error = refused
    values: dict[str, Any] = {
        "form": form,
        "checks": checks,
        "typed": request.POST.get("phone", ""),
        **words.of_number_field(),
    }
    values |= {"length": policy_for(LOGIN).length, "tried": isinstance(error, InvalidOrExpiredCode)}
    values["ready"] = form.is_bound and "phone" not in form.errors  # then it is the code that has the focus
    return pages.show(request, "elsewhere", destination, error=error, **values)
