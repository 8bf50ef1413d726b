"""Issue, recognise and revoke what a client gets after sign-in. OTP_TOKEN_BACKEND names the backend.

Services, the API and the hosted page may call it.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .. import accounts, staff
from ..accounts import authorization_codes, dormancy, events, released_numbers
from ..accounts.clients import described
from ..db import clock
from ..db.transactions import send_after_commit
from ..errors import InvalidOrExpiredCode
from ..models import Token
from ..phones import Phone
from ..signals import signed_out
from . import sessions
from .backends import current, in_use
from .base import Issued, Issuing, TokenBackend

__all__ = [
    "authenticate",
    "current",
    "is_dormant",
    "issue",
    "issuing",
    "purge",
    "revoke",
    "revoke_all",
    "sessions",
    "sign_in",
    "sign_up_instead",
]


def issuing(backend: TokenBackend) -> Issuing | None:
    """Return the token that the backend prepares before the user is known; None if it cannot."""
    # The method is optional: a project's own backend may be older than it.
    return backend.issuing() if hasattr(backend, "issuing") else None


def issue(backend: TokenBackend, user: Any, request: HttpRequest | None) -> Issued:
    """Issue a token to a user who signs in, and record the sign-in unless that has happened, as for sessions."""
    before = accounts.last_login(user)
    issued = backend.issue(user, request)
    if accounts.last_login(user) == before or clock.offset():  # Django's own login does not know the app's clock
        accounts.record_sign_in(user)
    return issued


def sign_in(
    phone: Phone,
    backend: TokenBackend,
    request: HttpRequest | None,
    profile: Mapping[str, Any],
    event: Mapping[str, Any] | None = None,
    *,
    vouched: bool = False,
) -> tuple[Any, bool, Issued]:
    """Return the user of a verified phone, whether the user is new, and the token.

    For a known user one statement finds the user and writes the token, if the backend's tokens are rows, and ``event``,
    the fields of what is to be recorded of a known user. Raise InvalidOrExpiredCode for a deactivated user, and for
    whoever may not sign up. Raise IsThisYou for a dormant user whom neither a known device nor a factor has ``vouched``
    for.
    """
    user, is_new, issued = None, False, None
    idle_before = None if vouched or phone.is_test else dormancy.idle_before()
    if not phone.is_test and accounts.is_default("find") and (token := issuing(backend)):
        told = described(request) if token.model is Token else {}
        user = accounts.find_and_sign_in(phone, token.model, {**token.row, **told}, event, idle_before)
        if user and not dormancy.is_idle(user, idle_before):  # else the statement has only found the user
            issued, event = token.issued, None
    if not user and not (user := accounts.current().find(phone, request)):
        user, is_new = accounts.sign_up(phone, request, profile)
    if not user.is_active or (phone.is_test and staff.is_staff(user)):
        raise InvalidOrExpiredCode
    if dormancy.is_idle(user, idle_before) and not sessions.of(user):
        raise dormancy.question(user)
    issued = issued or issue(backend, user, request)
    if event and not is_new:
        events.insert(user, event)
    sessions.end_oldest(user, request)
    return user, is_new, issued


def sign_up_instead(
    phone: Phone, backend: TokenBackend, request: HttpRequest | None, profile: Mapping[str, Any]
) -> tuple[Any, bool, Issued]:
    """Take a verified phone from its dormant user; return a new user of it, True, and the token.

    Raise IsThisYou if the user is not dormant any more. Raise InvalidOrExpiredCode for whoever may not sign up, and if
    the phone is that of staff: who holds a number by chance must not take it from them.
    """
    user = accounts.current().find(phone, request)
    if user and not is_dormant(user):
        raise dormancy.question(user)
    if not user or staff.is_staff(user):
        raise InvalidOrExpiredCode
    new = released_numbers.start_anew(user, phone, request, profile)
    authorization_codes.revoke_all(user)
    revoke_all(user, request)
    return new, True, issue(backend, new, request)


def is_dormant(user: Any) -> bool:
    """Return whether a user was idle for OTP_DORMANT_DAYS and has no live session."""
    return dormancy.is_idle(user, dormancy.idle_before()) and not sessions.of(user)


def authenticate(token: str) -> Any | None:
    """Return the active user of a token, None if it is not valid: for sockets and other doors without Django's request.

    It is as ``authenticate(request)`` of the backend in force. Where that keeps sessions there are no tokens.
    """
    backend, request = current(), HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return None if backend.ambient else backend.authenticate(request)


def revoke(request: HttpRequest, user: Any, backend: TokenBackend | None = None) -> None:
    """End the token or session that a request of ``user`` carries, and send ``signed_out`` unless it is of nobody."""
    is_somebody = user.is_authenticated  # before the session ends, because Django reads its user late
    (backend or current()).revoke(request)
    if is_somebody:
        send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=False, request=request)


def revoke_all(user: Any, request: HttpRequest | None = None) -> None:
    """Revoke all tokens and sessions of a user, and send ``signed_out``."""
    for backend in in_use():
        backend.revoke_all(user)
    send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=True, request=request)


def purge() -> int:
    """Delete tokens and sessions that have expired, and return how many."""
    return sum(backend.purge() for backend in in_use())
