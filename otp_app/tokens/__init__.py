"""Issue, recognise and revoke what a client gets after sign-in. OTP_TOKEN_BACKEND names the backend.

Services, the API and the hosted page may call it.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .. import accounts, staff
from ..accounts import events
from ..accounts.clients import described
from ..db.transactions import send_after_commit
from ..errors import InvalidOrExpiredCode, NotAuthenticated
from ..models import Token
from ..phones import Phone
from ..signals import signed_out
from . import sessions
from .backends import current, in_use
from .base import Issued, Issuing, TokenBackend

__all__ = [
    "authenticate",
    "current",
    "is_live",
    "issue",
    "issuing",
    "purge",
    "refresh",
    "revoke",
    "revoke_all",
    "sessions",
    "sign_in",
]


def issuing(backend: TokenBackend) -> Issuing | None:
    """Return the token that the backend prepares before the user is known; None if it cannot."""
    # The method is optional: a project's own backend may be older than it.
    return backend.issuing() if hasattr(backend, "issuing") else None


def issue(backend: TokenBackend, user: Any, request: HttpRequest | None) -> Issued:
    """Issue a token to a user who signs in, and record the sign-in unless that has happened, as for sessions."""
    before = accounts.last_login(user)
    issued = backend.issue(user, request)
    if accounts.last_login(user) == before:
        accounts.record_sign_in(user)
    return issued


def sign_in(
    phone: Phone,
    backend: TokenBackend,
    request: HttpRequest | None,
    profile: Mapping[str, Any],
    event: Mapping[str, Any] | None = None,
) -> tuple[Any, bool, Issued]:
    """Return the user of a verified phone, whether the user is new, and the token.

    For a known user one statement finds the user and writes the token, if the backend's tokens are rows, and ``event``,
    the fields of what is to be recorded of a known user. Raise
    InvalidOrExpiredCode for a deactivated user, and for whoever may not sign up.
    """
    user, is_new, issued = None, False, None
    if not phone.is_test and accounts.is_default("find") and (token := issuing(backend)):
        told = described(request) if token.model is Token else {}
        user = accounts.find_and_sign_in(phone, token.model, {**token.row, **told}, event)
        issued, event = (token.issued, None) if user else (None, event)
    if not user and not (user := accounts.current().find(phone, request)):
        user, is_new = accounts.sign_up(phone, request, profile)
    if not user.is_active or (phone.is_test and staff.is_staff(user)):
        raise InvalidOrExpiredCode
    issued = issued or issue(backend, user, request)
    if event and not is_new:
        events.insert(user, event)
    sessions.end_oldest(user, request)
    return user, is_new, issued


def authenticate(token: str) -> Any | None:
    """Return the active user of a token, None if it is not valid: for sockets and other doors without Django's request.

    It is as ``authenticate(request)`` of the backend in force. Where that keeps sessions there are no tokens.
    """
    backend, request = current(), HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return None if backend.ambient else backend.authenticate(request)


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
        send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=False, request=request)


def revoke_all(user: Any, request: HttpRequest | None = None) -> None:
    """Revoke all tokens and sessions of a user, and send ``signed_out``."""
    for backend in in_use():
        backend.revoke_all(user)
    send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=True, request=request)


def purge() -> int:
    """Delete tokens and sessions that have expired, and return how many."""
    return sum(backend.purge() for backend in in_use())
