"""Phone, then code, then signed in.

::

    phone ── services.send_code ── progress.begin ── code ── services.sign_in ── account.arrive
                                                      ├── send     the same code again, by another way, or a new one
                                                      ├── extend   more time, once
                                                      └── state    what became of the message, for the script
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from .. import durations, phones, services
from ..challenges import State
from ..clients import client_of
from ..errors import InvalidOrExpiredCode, OtpError, ProofRequired, unlogged
from ..languages import language_of
from ..policies import LOGIN, longest, policy_for
from ..tokens.session import SessionTokens
from . import account, destinations, pages, progress, words
from .destinations import Destination
from .forms import CodeForm, PhoneForm
from .progress import SignInBegun

_MINUTE = 60  # seconds
_TOO_LATE = _MINUTE  # a code that lives no longer is not sent again, a new one is


@pages.page
def phone(request: HttpRequest) -> HttpResponseBase:
    """Where everybody comes in. A number to which this browser has an open code already gets no second one."""
    destination = destinations.of(request)
    if account.may_proceed(request, destination):
        return account.offer(request, destination)
    form = PhoneForm(request.POST if request.method == "POST" else None)
    error = None
    if form.is_valid():
        number = form.cleaned_data["phone"]
        begun = progress.newest(request, number)
        try:
            if not begun or _closed(_state(begun)):
                begun = progress.begin(request, number, _send(request, number))
            return _to_code(begun.number, destination)
        except ProofRequired as task:
            return _prove(request, task, destination)
        except OtpError as refused:
            error = refused
    begun = progress.newest(request)
    typed = request.POST.get("phone") or (phones.spaced(begun.phone) if begun else "")
    values: dict[str, Any] = {
        "form": form,
        "typed": typed,
        "begun": begun,
        "home": phones.home(),
        "example": phones.example(),
        "names": words.names(),
    }
    return pages.show(request, "phone", destination, error=error, signed_out="out" in request.GET, **values)


@pages.page
def code(request: HttpRequest, number: int) -> HttpResponseBase:
    destination = destinations.of(request)
    begun = progress.find(request, number)
    if begun is None:  # signed in meanwhile, in another tab maybe, or long ago
        return redirect(reverse("otp_web:phone") + destination.query)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and request.POST.get("checks", str(begun.checks)) != str(begun.checks):
        # A page is being reloaded that told of a wrong code: that must not cost a check once more.
        form.add_error("code", _("This page was already sent. Enter the code again."))
    if not form.is_valid():
        return _ask_for_code(request, destination, begun, form)
    progress.change(request, begun := replace(begun, checks=begun.checks + 1))
    try:
        done = services.sign_in(
            phone=begun.phone,
            code=form.cleaned_data["code"],
            client=client_of(request.META),
            challenge_id=begun.challenge_id,
            device=request.COOKIES.get(account.DEVICE_COOKIE),
            request=request,
            backend=SessionTokens(),
        )
    except OtpError as refused:
        return _ask_for_code(request, destination, begun, form, refused)
    return account.arrive(request, destination, begun.phone, done)


@pages.page
def send(request: HttpRequest, number: int) -> HttpResponseBase:
    """The same code once more, maybe by another way; a new one where the old is of no use any more."""
    destination = destinations.of(request)
    begun = progress.find(request, number)
    if begun and request.method == "POST":
        state = _state(begun)
        same = state is not None and state.checks_left > 0 < state.sends_left and state.expires_in > _TOO_LATE
        try:
            challenge_id = _send_again(request, begun) if same else _send(request, begun.phone)
        except ProofRequired as task:
            return _prove(request, task, destination)
        except OtpError as refused:
            return _ask_for_code(request, destination, begun, CodeForm(), refused)
        progress.change(request, begun.sent(challenge_id))
    return _to_code(number, destination)


@pages.page
def extend(request: HttpRequest, number: int) -> HttpResponseBase:
    """More time, once; without it, as when it comes too late, the page tells how things are."""
    begun = progress.find(request, number)
    if begun and request.method == "POST":
        with suppress(InvalidOrExpiredCode):
            services.extend(challenge_id=begun.challenge_id)
        progress.change(request, replace(begun, extended=True))
    return _to_code(number, destinations.of(request))


@require_safe
@pages.page
def state(request: HttpRequest, number: int) -> HttpResponseBase:
    """For the script: how the message fares, and the seconds that are left; 404 when the code is of no more use."""
    begun = progress.find(request, number)
    found = _state(begun) if begun else None
    if found is None or _closed(found):
        return unlogged(JsonResponse({}, status=404))
    told = {"state": found.state, "text": str(words.state(found))}
    return JsonResponse(told | {"expires_in": found.expires_in, "resend_in": found.resend_in})


def _send(request: HttpRequest, number: str, challenge_id: str | None = None) -> str:
    """The id of the challenge whose code is on its way."""
    grant = services.send_code(
        phone=number,
        client=client_of(request.META),
        language=language_of(request, number),
        channel=request.POST.get("channel", ""),
        challenge_id=challenge_id,
        device=request.COOKIES.get(account.DEVICE_COOKIE),
        proof=request.POST.get("proof"),
    )
    return grant.challenge.id


def _send_again(request: HttpRequest, begun: SignInBegun) -> str:
    """The same code; a new one if it is of no use any more, or was asked for by a device that is not known now."""
    try:
        return _send(request, begun.phone, begun.challenge_id)
    except InvalidOrExpiredCode:
        return _send(request, begun.phone)


def _state(begun: SignInBegun) -> State | None:
    with suppress(InvalidOrExpiredCode):
        return services.state(challenge_id=begun.challenge_id)
    return None


def _closed(state: State | None) -> bool:
    return state is None or not state.checks_left


def _to_code(number: int, destination: Destination) -> HttpResponse:
    return redirect(reverse("otp_web:code", args=[number]) + destination.query)


def _ask_for_code(
    request: HttpRequest, destination: Destination, begun: SignInBegun, form: CodeForm, error: OtpError | None = None
) -> HttpResponse:
    state = _state(begun)
    values: dict[str, Any] = {
        "begun": begun,
        "form": form,
        "state": state,
        "closed": _closed(state),
        "ways": words.ways(begun.phone, state),
        "length": policy_for(LOGIN).length,
        "tried": isinstance(error, InvalidOrExpiredCode),
        "resend_in": durations.describe(state.resend_in) if state and state.resend_in else "",
        "terminal": pages.codes_are_in_the_terminal(),
    }
    if state:
        values |= {
            "lead": words.lead(state, phones.spaced(begun.phone)),
            "told": words.state(state),
            "left": durations.describe(_rounded(state.expires_in)),
            "extendable": not begun.extended and longest(LOGIN) > policy_for(LOGIN).ttl,
        }
    return pages.show(request, "code", destination, error=error, **values)


def _rounded(seconds: int) -> int:
    """To whole minutes, from one on: what is left must not be told as more than it is."""
    return seconds if seconds < _MINUTE else round(seconds / _MINUTE) * _MINUTE


def _prove(request: HttpRequest, task: ProofRequired, destination: Destination) -> HttpResponse:
    """The same request once more, with the solution: what was asked stands in the page's form."""
    asked = {name: request.POST[name] for name in ("phone", "channel") if name in request.POST}
    return pages.show(request, "proof", destination, error=task, task=task.altcha, asked=asked)
