"""Django's session as the proof: for sites whose pages call the API from the same origin, and for the hosted page."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user, load_backend, login, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from .. import staff
from ..conf import conf
from ..errors import InvalidOrExpiredCode
from ..models import UserSession
from .base import Issued

logger = logging.getLogger("otp_app.tokens")

_LONGEST = 40  # characters of a key; that of a session kept in its cookie is longer, and nothing here could end it


class SessionTokens:
    """Needs SessionMiddleware. A sign-in starts a new session id, so a fixed one is worth nothing."""

    ambient: ClassVar[bool] = True

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        if request is None:
            raise ValueError("the session backend needs the request that signs in")
        if staff.is_staff(user) and not (conf.STAFF_BY_CODE or staff.is_kept_out()):
            logger.error("staff cannot sign in by code: add %s to MIDDLEWARE", staff.MIDDLEWARE)
            raise InvalidOrExpiredCode  # the session would open the admin
        session = request.session
        before = session.session_key
        login(request, user, backend=_backend_for(user))
        staff.mark(request)
        if session.session_key == before and before:  # Django keeps the id of a session that was this user's already
            session.cycle_key()
        if not session.session_key:  # it was another user's, and is empty now
            session.save()
        UserSession.objects.filter(key=before).delete()
        if len(key := session.session_key or "") <= _LONGEST:
            UserSession.objects.create(key=key, user=user, expires_at=session.get_expiry_date())
        return Issued(None, session.get_expiry_age())

    def issuing(self) -> None:
        """A session is begun by a request that has a user."""

    def authenticate(self, request: HttpRequest) -> Any | None:
        user = staff.of_session(request, get_user(request))
        return user if user.is_authenticated and user.is_active else None

    def revoke(self, request: HttpRequest) -> None:
        UserSession.objects.filter(key=request.session.session_key).delete()
        logout(request)

    def revoke_all(self, user: Any) -> None:
        """All that were begun by phone. Those that staff has begun with a password stay until it is changed.

        Sessions also carry a hash of the password: a new one ends, for users by phone, who have none that is of use,
        whatever else there is.
        """
        begun = UserSession.objects.filter(user=user)
        store = _store()
        for key in begun.values_list("key", flat=True):
            store(key).delete()
        begun.delete()
        if not user.has_usable_password():
            user.set_unusable_password()
            user.save(update_fields=["password"])

    def purge(self) -> int:
        """Sessions that have expired, and what was written down of them. A use of a session may have moved its end."""
        store = _store()
        with suppress(NotImplementedError):  # of an engine that has no way to
            store.clear_expired()
        now = timezone.now()
        ended = [row.pk for row in UserSession.objects.filter(expires_at__lt=now) if not store().exists(row.key)]
        UserSession.objects.filter(expires_at__lt=now).exclude(pk__in=ended).update(
            expires_at=now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        )
        return UserSession.objects.filter(pk__in=ended).delete()[0]


def _store() -> type[SessionBase]:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store


def _backend_for(user: Any) -> str:
    """The first that gives the user back at the next request: there are some for permissions only, or for lockouts."""
    paths: Sequence[str] = settings.AUTHENTICATION_BACKENDS
    return next((path for path in paths if load_backend(path).get_user(user.pk)), paths[0])
