"""Sign people in by Django's session: for sites whose pages call the API from the same origin, and the hosted page."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user, load_backend, login, logout
from django.contrib.sessions.backends.base import SessionBase
from django.db import router
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from .. import accounts, staff
from ..accounts.clients import described
from ..conf import conf
from ..db import clock
from ..errors import InvalidOrExpiredCode
from ..models import UserSession
from . import lives
from .base import Issued, Session

logger = logging.getLogger("otp_app.tokens")

# As UserSession.key. The key of a session that is kept in its cookie is longer, and no server could end that session.
_MAX_KEY_CHARACTERS = 40
_BEGAN = "otp_app_began"  # in the session: when a code began it, in seconds since 1970


class SessionTokens:
    """Begin a session for each sign-in, under a new id, so that a fixed id is worth nothing. Need SessionMiddleware."""

    ambient: ClassVar[bool] = True

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        if request is None:
            raise ValueError("the session backend needs the request that signs in")
        if staff.is_staff(user) and not (conf.STAFF_BY_CODE or staff.has_middleware()):
            logger.error("staff cannot sign in by code: add %s to MIDDLEWARE", staff.MIDDLEWARE)
            raise InvalidOrExpiredCode  # the session would open the admin
        session = request.session
        former_key = session.session_key
        login(request, user, backend=_backend_for(user))
        staff.mark_session(request)
        session[_BEGAN] = clock.instant().timestamp()
        if session.session_key == former_key and former_key:  # Django keeps the id of a session of the same user
            session.cycle_key()
        if not session.session_key:  # it was another user's, so Django has emptied it
            session.save()
        _sessions().filter(key=former_key).delete()
        listed = ""
        if len(key := session.session_key or "") <= _MAX_KEY_CHARACTERS:
            expires_at = session.get_expiry_date() + timedelta(milliseconds=clock.offset())
            known = described(request) | {"began_at": clock.instant(), "expires_at": expires_at}
            listed = _sessions().create(key=key, user=user, **known).public_id
        return Issued(None, session.get_expiry_age(), session=listed)

    def issuing(self) -> None:
        """Prepare nothing, because a session needs the user and the request."""

    def authenticate(self, request: HttpRequest) -> Any | None:
        user = staff.user_of_session(request, get_user(request))
        if not user.is_authenticated or not user.is_active:
            return None
        accounts.record_use(user)
        return user

    def auth_time(self, request: HttpRequest, user: Any) -> datetime | None:
        session: Any = getattr(request, "session", {})
        began = session.get(_BEGAN)
        return lives.instant_of(began) if began and session.get(SESSION_KEY) == str(user.pk) else None

    def revoke(self, request: HttpRequest) -> None:
        _sessions().filter(key=request.session.session_key).delete()
        logout(request)

    def revoke_all(self, user: Any) -> None:
        """End all sessions of a user that began by phone. Sessions that staff began with a password go on.

        Those end when the password is changed, because a session carries a hash of it. For a user without a usable
        password, set a new unusable one: this ends every other session.
        """
        sessions = _sessions().filter(user=user)
        store = _session_store()
        for key in sessions.values_list("key", flat=True):
            store(key).delete()
        sessions.delete()
        if not user.has_usable_password():
            user.set_unusable_password()
            user.save(update_fields=["password"])

    def sessions(self, user: Any, request: HttpRequest | None) -> list[Session]:
        """Return the sessions that began by phone; Django does not know when a session was last used."""
        session = getattr(request, "session", None)
        own = session.session_key if session is not None else None
        store = _session_store()
        # Django's engines do not know the app's clock; without an offset, use may have extended a session.
        ended = Q(expires_at__lte=clock.instant()) if clock.offset() else Q(pk=None)
        rows = [row for row in _sessions().filter(user=user).exclude(ended) if store().exists(row.key)]
        return [_session(row, request if row.key == own else None) for row in rows]

    def purge(self) -> int:
        """Delete expired sessions and their rows, and return how many rows. Using a session may have extended it."""
        store = _session_store()
        with suppress(NotImplementedError):  # some engines cannot
            store.clear_expired()
        now = timezone.now()
        ended = [row.pk for row in _sessions().filter(expires_at__lt=now) if not store().exists(row.key)]
        _sessions().filter(expires_at__lt=now).exclude(pk__in=ended).update(
            expires_at=now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        )
        return _sessions().filter(pk__in=ended).delete()[0]


def _session(row: UserSession, current: HttpRequest | None) -> Session:
    """Return what a row tells; ``current`` is the request that carries this very session, if one does."""

    def end() -> bool:
        _session_store()(row.key).delete()
        if current is not None:
            logout(current)  # or else the session would be saved at the end of the request
        return _sessions().filter(pk=row.pk).delete()[0] > 0

    return Session(row.public_id, row.began_at, None, row.client_name, row.network, current is not None, end)


def _sessions() -> QuerySet[UserSession]:
    """Return the rows of all sessions, in the database that they are written to: a replica has them late."""
    return UserSession.objects.using(router.db_for_write(UserSession))


def _session_store() -> type[SessionBase]:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store


def _backend_for(user: Any) -> str:
    """Return the first backend that can load the user at the next request; some only check permissions or lockouts."""
    paths: Sequence[str] = settings.AUTHENTICATION_BACKENDS
    return next((path for path in paths if load_backend(path).get_user(user.pk)), paths[0])
