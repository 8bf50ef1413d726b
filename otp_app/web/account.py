"""Sign a person in and out of the hosted page, lead them to their destination, and show their account."""

from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from .. import accounts, phones, services, tokens
from ..conf import conf
from ..errors import InvalidAuthorization, InvalidRequest, IsThisYou, ProfileRequired, SecondFactorRequired
from ..limits.clients import client_of
from ..tokens.session import SessionTokens
from . import destinations, factor_page, pages, profile_page, question_page, sign_ins
from .destinations import Destination

# Browsers accept a cookie of this name over TLS only, and from no other host of the domain.
DEVICE_COOKIE = "__Host-otp_device"
_SESSION_PHONE = "otp_app_phone"  # the phone whose code began this session


def sign_in(
    request: HttpRequest, destination: Destination, *, phone: str, code: str, challenge_id: str | None = None
) -> HttpResponse:
    """Begin a session by a code, and return the redirect to the destination, or a form for what must come with it.

    The session gets a new id, so an id that somebody knew before is worth nothing. Without ``challenge_id`` the code is
    one that this browser did not ask for. Raise what ``services.sign_in`` raises.
    """
    try:
        done = services.sign_in(
            phone=phone,
            code=code,
            client=client_of(request.META),
            challenge_id=challenge_id,
            device=request.COOKIES.get(DEVICE_COOKIE),
            request=request,
            backend=SessionTokens(),
            profile=profile_page.given(request),
            factor=factor_page.given(request),
            anew=question_page.wants_new_account(request),
        )
    except IsThisYou as asked:
        return question_page.show(request, destination, asked)
    except (ProfileRequired, InvalidRequest) as refused:
        return profile_page.show(request, destination, refused.errors)
    except SecondFactorRequired as refused:
        return factor_page.show(request, destination, refused)
    sign_ins.forget(request)
    request.session[_SESSION_PHONE] = phone
    response = pages.redirect_to(destination.address(done.user))
    response.set_cookie(
        DEVICE_COOKIE, done.device, max_age=conf.DEVICE_TTL, path="/", secure=True, httponly=True, samesite="Lax"
    )
    return response


def may_continue(request: HttpRequest, destination: Destination) -> bool:
    """Tell whether the person is signed in; for a site, which relies on it, by the phone that the account has now."""
    if not request.user.is_authenticated:
        return False
    return not destination.authorization or request.session.get(_SESSION_PHONE) == accounts.phone_of(request.user)


def ask_to_continue(request: HttpRequest, destination: Destination) -> HttpResponse:
    """Ask a person who is signed in whether to continue: it may be another person's session, or the wrong number.

    An automatic redirect could also loop for ever, if the destination refuses this person and sends them back here.
    """
    return pages.show(request, "continue", destination, who=_account_name(request.user))


@pages.page
@pages.post_only
def continue_to_destination(request: HttpRequest) -> HttpResponseBase:
    """Lead a signed-in person to the destination, any other to the first step."""
    destination = destinations.from_request(request)
    if not may_continue(request, destination):
        return redirect(reverse("otp_web:phone") + destination.query)
    return pages.redirect_to(destination.address(request.user))


@pages.page
def account(request: HttpRequest) -> HttpResponseBase:
    """Show the account of a signed-in person."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('otp_web:phone')}?next={request.path}")
    return pages.show(request, "account", who=_account_name(request.user))


@pages.page
@pages.post_only
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """End the session of this browser, and lead to the first step with the same destination."""
    tokens.revoke(request, request.user, SessionTokens())
    with suppress(InvalidAuthorization):
        if query := destinations.from_request(request).query:
            return redirect(reverse("otp_web:phone") + query)
    return redirect(reverse("otp_web:phone") + "?out")


@pages.page
@pages.post_only
def sign_out_everywhere(request: HttpRequest) -> HttpResponseBase:
    """End all sessions and tokens of the person, and forget their devices."""
    if request.user.is_authenticated:
        services.sign_out_everywhere(user=request.user, request=request)
        SessionTokens().revoke(request)
    return redirect(reverse("otp_web:phone") + "?out")


def _account_name(user: Any) -> str:
    """Return the person's own number in full, or the user name of staff without a phone."""
    phone = accounts.phone_of(user)
    return phones.spaced(phone) if phone else str(user.get_username())
