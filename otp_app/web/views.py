"""Phone, then code, then signed in.

::

    phone ── services.send_code ── progress.begin ── code ── account.sign_in ── services.sign_in
                                                      ├── send     the same code again, by another way, or a new one
                                                      ├── extend   more time, once
                                                      └── state    what became of the message, for the script
    elsewhere ── account.sign_in                     phone and code at once, where another browser asked for the code
"""

from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from .. import errors, phones, services
from ..challenges import ChallengeState
from ..challenges.policies import LOGIN, longest, policy_for
from ..conf import conf
from ..errors import InvalidOrExpiredCode, OtpError, ProofRequired, UndeliverablePhone, unlogged
from ..limits.clients import client_of
from ..phones.languages import language_of
from . import account, destinations, elsewhere, pages, progress, resends, words
from .destinations import Destination
from .forms import ALREADY_SENT, CodeForm, PhoneForm
from .progress import SignInBegun
from .resends import Resend

_MINUTE = 60  # seconds
_LOADING = 5


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
        "elsewhere": elsewhere.is_offered(),
        **words.of_number_field(),
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
        form.add_error("code", ALREADY_SENT)
    if not form.is_valid():
        return _ask_for_code(request, destination, begun, form)
    progress.change(request, begun := replace(begun, checks=begun.checks + 1))
    try:
        typed = form.cleaned_data["code"]
        return account.sign_in(request, destination, phone=begun.phone, code=typed, challenge_id=begun.challenge_id)
    except OtpError as refused:
        return _ask_for_code(request, destination, begun, form, refused)


@pages.page
def send(request: HttpRequest, number: int) -> HttpResponseBase:
    """The same code once more, maybe by another way; a new one where the old is of no use any more."""
    destination = destinations.of(request)
    begun = progress.find(request, number)
    if begun and request.method == "POST":
        state = _state(begun)
        try:
            same = state is not None and resends.of_open(state).same_for > 0
            challenge_id = _send_again(request, begun) if same else _send(request, begun.phone)
        except ProofRequired as task:
            return _prove(request, task, destination)
        except OtpError as refused:
            progress.change(request, begun := begun.hold(_hold(refused, begun, state)))
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
    """Tell the script how the message fares, and seconds of all kinds; 404 when the code is of no more use."""
    begun = progress.find(request, number)
    found = _state(begun) if begun else None
    if found is None or _closed(found):
        return unlogged(JsonResponse({}, status=404))
    resend = resends.of_open(found).held(begun.held if begun else 0)
    told = {"state": found.state, "text": str(words.state(found, resend.switch_in)), "expires_in": found.expires_in}
    return JsonResponse(told | asdict(resend))


def _send(request: HttpRequest, number: str, challenge_id: str | None = None) -> str:
    """The id of the challenge whose code is on its way."""
    phone = phones.of(number)
    grant = services.send_code(
        phone=phone,
        client=client_of(request.META),
        language=language_of(request, phone),
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


def _state(begun: SignInBegun) -> ChallengeState | None:
    with suppress(InvalidOrExpiredCode):
        return services.state(challenge_id=begun.challenge_id)
    return None


def _closed(state: ChallengeState | None) -> bool:
    return state is None or not state.checks_left


def _to_code(number: int, destination: Destination) -> HttpResponse:
    return redirect(reverse("otp_web:code", args=[number]) + destination.query)


def _ask_for_code(
    request: HttpRequest, destination: Destination, begun: SignInBegun, form: CodeForm, error: OtpError | None = None
) -> HttpResponse:
    state = _state(begun)
    live = None if _closed(state) else state
    device = request.COOKIES.get(account.DEVICE_COOKIE)
    resend = (resends.of_open(live) if live else resends.of_closed(begun.phone, device)).held(begun.held)
    values: dict[str, Any] = {
        "begun": begun,
        "form": form,
        "state": state,
        "closed": live is None,
        "elsewhere": elsewhere.is_offered(),
        "ways": words.ways(begun.phone, state),
        "length": policy_for(LOGIN).length,
        "tried": isinstance(error, InvalidOrExpiredCode),
        "resend": resend,
        "pause": _pause(resend, live.expires_in if live else 0),
        "waits": words.waits(),
        "terminal": pages.codes_are_in_the_terminal(),
    }
    if state:
        values |= {
            "lead": words.lead(state, phones.spaced(begun.phone)),
            "told": words.state(state, resend.switch_in),
            "left": errors.describe(_rounded(state.expires_in)),
            "extendable": not begun.extended and longest(LOGIN) > policy_for(LOGIN).ttl,
        }
    return pages.show(request, "code", destination, error=error, **values)


def _pause(resend: Resend, left: int) -> str:
    """Say what the wait is, for a code that lives for ``left`` seconds; nothing where there is no wait."""
    times = {"wait": errors.describe(resend.resend_in), "left": errors.describe(_rounded(left))}
    return words.waits(**times)[resend.kind(left)] if resend.resend_in else ""


def _hold(refused: OtpError, begun: SignInBegun, state: ChallengeState | None) -> int:
    """Return for how long a send would be refused again: a bad number gets nothing, unless there is another way."""
    if isinstance(refused, UndeliverablePhone) and not words.ways(begun.phone, state):
        return conf.SUPPRESSION
    return refused.retry_after or 0


def _rounded(seconds: int) -> int:
    """Round down to minutes, from one on, but for the seconds in which a page is loaded."""
    return seconds if seconds < _MINUTE else (seconds + _LOADING) // _MINUTE * _MINUTE


def _prove(request: HttpRequest, task: ProofRequired, destination: Destination) -> HttpResponse:
    """The same request once more, with the solution: what was asked stands in the page's form."""
    asked = {name: request.POST[name] for name in ("phone", "channel") if name in request.POST}
    return pages.show(request, "proof", destination, error=task, task=task.altcha, asked=asked)
