"""List the sessions of a user, whatever proof each has, and end them: one, all others, or the oldest."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from .. import accounts
from ..accounts import authorization_codes, events, recoveries
from ..conf import conf
from ..db.transactions import send_after_commit
from ..signals import signed_out
from . import backends
from .base import Session


def of(user: Any, request: HttpRequest | None = None) -> list[Session]:
    """Return the live sessions of a user, the newest first, those with an unknown beginning last.

    The backend in force has authenticated ``request``, so only one of its sessions can be the current one.
    """
    first, *others = backends.in_use()
    asked = [(first, request), *((backend, None) for backend in others)]
    # The method is optional: a project's own backend may be older than it.
    found = [each for backend, by in asked if hasattr(backend, "sessions") for each in backend.sessions(user, by)]
    return sorted(found, key=_age, reverse=True)


def _age(session: Session) -> tuple[float, str]:
    """Return what sessions are sorted by; of two that began at once, all requests must take the same for the older."""
    return session.began_at.timestamp() if session.began_at else 0, session.id


def end(user: Any, session_id: str, request: HttpRequest | None = None) -> bool:
    """End one session of a user, record that, and return whether there was one of this id."""
    return _end_and_record(user, (each for each in of(user, request) if each.id == session_id), request)


def end_others(user: Any, request: HttpRequest) -> None:
    """End all sessions of a user but that of the request, and what is on its way to become one; record that."""
    authorization_codes.revoke_all(user)  # first: a code redeemed until now has become a token
    _end_and_record(user, (each for each in of(user, request) if not each.current), request)


def end_oldest(user: Any, request: HttpRequest | None) -> None:
    """End the oldest sessions of a user who has more than OTP_MAX_SESSIONS; if that is 0, do nothing."""
    if conf.MAX_SESSIONS:
        _end(user, of(user)[conf.MAX_SESSIONS :], request)


def _end_and_record(user: Any, sessions: Iterable[Session], request: HttpRequest | None) -> bool:
    """End sessions. Whoever asks for it is in the account, or reads its number, so nobody needs the way back by e-mail.

    Staff, who bring no request, are not.
    """
    if request is not None:
        recoveries.end_all(user, recoveries.BY_USE, request)
    ended = _end(user, sessions, request) > 0
    if ended:
        events.record(user, events.Kind.SESSIONS_ENDED, request)
    return ended


def _end(user: Any, sessions: Iterable[Session], request: HttpRequest | None) -> int:
    """End sessions, send ``signed_out`` for each that was still there, and return how many were."""
    ended = sum(each.end() for each in sessions)
    for _ in range(ended):
        send_after_commit(signed_out, user, phone=accounts.phone_of(user), everywhere=False, request=request)
    return ended
