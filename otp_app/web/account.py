"""Who is signed in: arriving, going on to where one came from, the page of the account, signing out."""

from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from .. import accounts, phones, services
from ..conf import conf
from ..errors import InvalidAuthorization
from ..limits.clients import client_of
from ..tokens.session import SessionTokens
from . import destinations, pages, progress
from .destinations import Destination

DEVICE_COOKIE = "__Host-otp_device"  # by this name browsers take it over TLS only, and from no other host of a domain
_PROVED = "otp_app_phone"  # the phone by which this session was begun


def sign_in(
    request: HttpRequest, destination: Destination, *, phone: str, code: str, challenge_id: str | None = None
) -> HttpResponse:
    """Begin a session by a code, and lead on. The session has a new id, so one that was known before is worth nothing.

    Without an id the code is one that this browser did not ask for. Raises what ``services.sign_in`` does.
    """
    done = services.sign_in(
        phone=phone,
        code=code,
        client=client_of(request.META),
        challenge_id=challenge_id,
        device=request.COOKIES.get(DEVICE_COOKIE),
        request=request,
        backend=SessionTokens(),
    )
    progress.end(request)
    request.session[_PROVED] = phone
    response = pages.lead_to(destination.address(done.user))
    response.set_cookie(
        DEVICE_COOKIE, done.device, max_age=conf.DEVICE_TTL, path="/", secure=True, httponly=True, samesite="Lax"
    )
    return response


def may_proceed(request: HttpRequest, destination: Destination) -> bool:
    """Signed in; and for a site, which relies on it, by the phone that the account has now."""
    if not request.user.is_authenticated:
        return False
    return not destination.authorization or request.session.get(_PROVED) == accounts.phone_of(request.user)


def offer(request: HttpRequest, destination: Destination) -> HttpResponse:
    """Who is signed in already is asked: it may be somebody else's session, or the wrong one of two numbers.

    And a page that lets this person in no further would send back here for ever.
    """
    return pages.show(request, "continue", destination, who=_who(request.user))


@pages.page
@pages.posted
def proceed(request: HttpRequest) -> HttpResponseBase:
    destination = destinations.of(request)
    if not may_proceed(request, destination):
        return redirect(reverse("otp_web:phone") + destination.query)
    return pages.lead_to(destination.address(request.user))


@pages.page
def account(request: HttpRequest) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return redirect(f"{reverse('otp_web:phone')}?next={request.path}")
    return pages.show(request, "account", who=_who(request.user))


@pages.page
@pages.posted
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """In this browser. To the first step again, with what one came for."""
    SessionTokens().revoke(request)
    with suppress(InvalidAuthorization):
        if query := destinations.of(request).query:
            return redirect(reverse("otp_web:phone") + query)
    return redirect(reverse("otp_web:phone") + "?out")


@pages.page
@pages.posted
def sign_out_everywhere(request: HttpRequest) -> HttpResponseBase:
    if request.user.is_authenticated:
        services.sign_out_everywhere(user=request.user)
        SessionTokens().revoke(request)
    return redirect(reverse("otp_web:phone") + "?out")


def _who(user: Any) -> str:
    """The number in full: it is the person's own. Staff of a project may have none."""
    phone = accounts.phone_of(user)
    return phones.spaced(phone) if phone else str(user.get_username())
