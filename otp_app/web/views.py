"""Lead a person through signing in: phone, then code, then signed in.

::

    phone ── services.send_code ── sign_ins.begin ── code ── account.sign_in ── services.sign_in
                                                      ├── profile_page   what somebody new must add to the code
                                                      ├── factor_page    the second factor beside the code
                                                      ├── question_page  whose an account is that was idle for long
                                                      ├── send     the same code again, by another channel, or a new one
                                                      ├── extend   more time, once
                                                      └── state    the message's state, for the script
    phone_and_code ── account.sign_in                phone and code at once, where another browser asked for the code
"""

from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from .. import phones, services
from ..challenges import ChallengeState
from ..conf import conf
from ..errors import InvalidOrExpiredCode, OtpError, ProofRequired, UndeliverablePhone, unlogged
from ..limits.clients import client_of
from ..limits.proof_of_work import UNABLE
from ..phones.languages import language_of
from . import account, code_page, destinations, pages, phone_and_code, resend_timing, sign_ins, texts
from .code_page import is_closed, state_of
from .destinations import Destination
from .forms import CodeForm, PhoneForm
from .sign_ins import BegunSignIn


@pages.page
def phone(request: HttpRequest) -> HttpResponseBase:
    """Ask for the number and send a code; send no second one while this browser has an open code for that number."""
    destination = destinations.from_request(request)
    if account.may_continue(request, destination):
        return account.ask_to_continue(request, destination)
    form = PhoneForm(request.POST if request.method == "POST" else None)
    error = None
    if form.is_valid():
        number = form.cleaned_data["phone"]
        begun = sign_ins.newest(request, number)
        try:
            if not begun or is_closed(state_of(begun)):
                begun = sign_ins.begin(request, number, _send(request, number))
            return _redirect_to_code(begun.number, destination)
        except ProofRequired as refused:
            return _ask_for_proof_of_work(request, refused, destination)
        except OtpError as refused:
            error = refused
    form.record_refusals(client_of(request.META))
    begun = sign_ins.newest(request)
    values: dict[str, Any] = {
        "form": form,
        "typed": request.POST.get("phone") or (phones.spaced(begun.phone) if begun else ""),
        "begun": begun,
        "elsewhere": phone_and_code.is_offered(),
        "signed_out": "out" in request.GET,
        **texts.number_field(),
    }
    return pages.show(request, "phone", destination, error=error, **values)


@pages.page
def code(request: HttpRequest, number: int) -> HttpResponseBase:
    """Ask for the code of a sign-in that was begun, and sign in by it."""
    destination = destinations.from_request(request)
    begun = sign_ins.find(request, number)
    if begun is None:  # the person has signed in meanwhile, maybe in another tab, or it was long ago
        return redirect(reverse("otp_web:phone") + destination.query)
    form = CodeForm(request.POST if request.method == "POST" else None)
    form.refuse_reload(begun.checks)
    if not form.is_valid():
        return code_page.show(request, destination, begun, form)
    sign_ins.update(request, begun := replace(begun, checks=begun.checks + 1))
    try:
        typed = form.cleaned_data["code"]
        return account.sign_in(request, destination, phone=begun.phone, code=typed, challenge_id=begun.challenge_id)
    except OtpError as refused:
        return code_page.show(request, destination, begun, form, refused)


@pages.page
def send(request: HttpRequest, number: int) -> HttpResponseBase:
    """Send the same code again, maybe by another channel, or a new one where the old can be sent no more."""
    destination = destinations.from_request(request)
    begun = sign_ins.find(request, number)
    if begun and request.method == "POST":
        state = state_of(begun)
        try:
            same = state is not None and resend_timing.for_open(state).same_for > 0
            challenge_id = _send_again(request, begun) if same else _send(request, begun.phone)
        except ProofRequired as refused:
            return _ask_for_proof_of_work(request, refused, destination)
        except OtpError as refused:
            sign_ins.update(request, begun := begun.refused(_refused_for(refused, begun, state)))
            return code_page.show(request, destination, begun, CodeForm(), refused)
        sign_ins.update(request, begun.sent(challenge_id))
    return _redirect_to_code(number, destination)


@pages.page
def extend(request: HttpRequest, number: int) -> HttpResponseBase:
    """Give a code more time, once. The page then shows the time left, also when the code had expired."""
    begun = sign_ins.find(request, number)
    if begun and request.method == "POST":
        with suppress(InvalidOrExpiredCode):
            services.extend(challenge_id=begun.challenge_id)
        sign_ins.update(request, replace(begun, extended=True))
    return _redirect_to_code(number, destinations.from_request(request))


@require_safe
@pages.page
def state(request: HttpRequest, number: int) -> HttpResponseBase:
    """Answer the script with the message's state and the times in seconds; 404 when no code can be entered any more."""
    begun = sign_ins.find(request, number)
    found = state_of(begun) if begun else None
    if begun is None or found is None or is_closed(found):
        return unlogged(JsonResponse({}, status=404))
    resend = resend_timing.for_open(found).not_before(begun.held)
    text = str(texts.message_state(found, resend.switch_in))
    return JsonResponse({"state": found.state, "text": text, "expires_in": found.expires_in, **asdict(resend)})


def _send(request: HttpRequest, number: str, challenge_id: str | None = None) -> str:
    """Send a code, that of ``challenge_id`` again if given, and return the id of its challenge."""
    phone = phones.as_phone(number)
    grant = services.send_code(
        phone=phone,
        client=client_of(request.META),
        language=language_of(request, phone),
        channel=request.POST.get("channel", ""),
        challenge_id=challenge_id,
        device=request.COOKIES.get(account.DEVICE_COOKIE),
        proof=request.POST.get("proof"),
        request=request,
    )
    return grant.challenge.id


def _send_again(request: HttpRequest, begun: BegunSignIn) -> str:
    """Send the same code; send a new one if it has expired meanwhile, or belongs to a device that is not known now."""
    try:
        return _send(request, begun.phone, begun.challenge_id)
    except InvalidOrExpiredCode:
        return _send(request, begun.phone)


def _redirect_to_code(number: int, destination: Destination) -> HttpResponse:
    return redirect(reverse("otp_web:code", args=[number]) + destination.query)


def _refused_for(refused: OtpError, begun: BegunSignIn, state: ChallengeState | None) -> int:
    """Return for how many seconds a send would be refused again; long for a number that no other channel reaches."""
    if isinstance(refused, UndeliverablePhone) and not texts.other_channels(begun.phone, state):
        return conf.SUPPRESSION
    return refused.retry_after or 0


def _ask_for_proof_of_work(request: HttpRequest, refused: ProofRequired, destination: Destination) -> HttpResponse:
    """Show the page that solves the task and repeats the request, whose values are in the page's form."""
    repeated = {name: request.POST[name] for name in ("phone", "channel") if name in request.POST}
    return pages.show(request, "proof", destination, error=refused, task=refused.altcha, asked=repeated, unable=UNABLE)
