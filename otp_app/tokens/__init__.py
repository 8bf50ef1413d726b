"""Issue, recognise and revoke what a client gets after sign-in. OTP_TOKEN_BACKEND names the backend.

Services, the API and the hosted page may call it.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest

from .. import accounts, staff
from ..accounts import authorization_codes, dormancy, events, lines, recoveries, released_numbers
from ..accounts.clients import described
from ..db import clock
from ..db.transactions import send_after_commit
from ..errors import UNREACHABLE, InvalidOrExpiredCode, NotAuthenticated, PhoneTaken
from ..models import RefreshToken, Token
from ..phones import Phone
from ..signals import signed_out
from . import lives, sessions
from .backends import current, in_use
from .base import Issued, Issuing, TokenBackend

__all__ = [
    "auth_time",
    "authenticate",
    "current",
    "is_dormant",
    "is_live",
    "issue",
    "issuing",
    "purge",
    "refresh",
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
    *,
    new_device_at: int | None = None,
    vouched: bool = False,
) -> tuple[Any, bool, Issued]:
    """Return the user of a verified phone, whether the user is new, and the token.

    ``new_device_at``: when an unknown device was verified, which is recorded of a known user. An account that is erased
    meanwhile gets no token: the phone then has a fresh one, or none. Raise InvalidOrExpiredCode for a deactivated user,
    and for whoever may not sign up. Raise IsThisYou for a dormant user whom neither a known device nor a factor has
    ``vouched`` for.
    """
    enter = partial(_sign_in, phone, backend, request, profile, new_device_at, vouched=vouched)
    try:
        return enter()
    except UNREACHABLE:
        raise
    except DatabaseError:  # no row can name a user who is gone
        return enter()


def _sign_in(
    phone: Phone,
    backend: TokenBackend,
    request: HttpRequest | None,
    profile: Mapping[str, Any],
    new_device_at: int | None,
    *,
    vouched: bool,
) -> tuple[Any, bool, Issued]:
    """Find or make the user, and issue the token.

    For a known user one statement finds the user and writes the token, if the backend's tokens are rows, and the event.
    """
    told = described(request)
    event = None if new_device_at is None else events.fields_of(events.Kind.NEW_DEVICE, told, new_device_at)
    user, is_new, issued = None, False, None
    idle_before = None if vouched or phone.is_test else dormancy.idle_before()
    if not phone.is_test and accounts.is_default("find") and (token := issuing(backend)):
        row = {**token.row, **told} if token.model in (Token, RefreshToken) else token.row
        user = accounts.find_and_sign_in(phone, token.model, row, event, idle_before)
        if user and not dormancy.is_idle(user, idle_before):  # else the statement has only found the user
            issued, event = token.issued_to(user), None
    if not user and not (user := accounts.current().find(phone, request)):
        user, is_new = accounts.sign_up(phone, request, profile)
    if not user.is_active or (phone.is_test and staff.is_staff(user)):
        raise InvalidOrExpiredCode
    if not issued and dormancy.is_idle(user, idle_before) and not sessions.of(user):
        raise dormancy.question(user)
    issued = issued or _issue_apart(backend, user, phone, request, is_new=is_new)
    if event and not is_new:
        events.insert(user, event)
    sessions.end_oldest(user, request)
    return user, is_new, issued


def _issue_apart(
    backend: TokenBackend, user: Any, phone: Phone, request: HttpRequest | None, *, is_new: bool
) -> Issued:
    """Issue a token by statements of its own, after those that have found or made the user.

    End its session and raise InvalidOrExpiredCode, if the number has left the user meanwhile: such a change may have
    ended all sessions before this one began.
    """
    issued = issue(backend, user, request)
    holder = user if is_new else accounts.current().find(phone, request)
    if holder is None or holder.pk != user.pk:
        for session in sessions.of(user):
            if session.id == issued.session:
                session.end()
        raise InvalidOrExpiredCode
    return issued


def sign_up_instead(
    phone: Phone, backend: TokenBackend, request: HttpRequest | None, profile: Mapping[str, Any]
) -> tuple[Any, bool, Issued]:
    """Take a verified phone from its user, who is dormant or has lost it; return a new user of it, True, and the token.

    Raise PhoneTaken if the user has come back meanwhile. Raise InvalidOrExpiredCode for whoever may not sign up, and if
    the phone is that of staff: who holds a number by chance must not take it from them.
    """
    user = accounts.current().find(phone, request)
    if user and not is_dormant(user) and not lines.have_moved(user, phone):
        raise PhoneTaken
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


def auth_time(request: HttpRequest, user: Any = None) -> datetime | None:
    """Return when a user (by default ``request.user``) signed in by the token or session of a request.

    Return None for nobody, and if that is not known. A refresh and a confirmation are no sign-ins. Once the request is
    authenticated no query is needed, but one with the tokens of a library that have a row each.
    """
    user = user or getattr(request, "user", None)
    if not user or not user.is_authenticated:
        return None
    # Each must be of that user: a token beside the session of somebody else tells nothing of that person.
    found = (each.auth_time(request, user) for each in in_use() if hasattr(each, "auth_time"))
    return next((at for at in found if at), None)


def is_live(sid: str) -> bool:
    """Return whether the session that an access token names (its claim ``sid``) has not ended, by one query.

    Where the tokens of the backend in force are no JWTs, no session is.
    """
    backend: Any = current()
    return bool(hasattr(backend, "is_live") and backend.is_live(sid))


def refresh(refresh_token: str, request: HttpRequest | None) -> Issued:
    """Return a new token and refresh token for a valid refresh token of the backend in force.

    Raise RefreshReused for one that another has replaced, NotAuthenticated for any other.
    """
    backend: Any = current()
    if not hasattr(backend, "refresh"):
        raise NotAuthenticated
    issued: Issued = backend.refresh(refresh_token, request)
    return issued


def revoke(request: HttpRequest, user: Any, backend: TokenBackend | None = None) -> None:
    """End the token or session that a request of ``user`` carries, and send ``signed_out`` unless it is of nobody."""
    is_somebody = user.is_authenticated  # before the session ends, because Django reads its user late
    (backend or current()).revoke(request)
    if is_somebody:
        recoveries.end_all(user, recoveries.BY_USE, request)  # whoever signs out was in the account
        send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=False, request=request)


def revoke_all(user: Any, request: HttpRequest | None = None) -> None:
    """Revoke all tokens and sessions of a user, and send ``signed_out``."""
    for backend in in_use():
        backend.revoke_all(user)
    recoveries.end_all(user, recoveries.BY_USE, request)
    send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=True, request=request)


def purge() -> int:
    """Delete tokens and sessions that have expired, also of a backend of ours from before, and return how many."""
    ended = sum(lives.purge(model) for model in (Token, RefreshToken))
    return ended + sum(backend.purge() for backend in in_use())
