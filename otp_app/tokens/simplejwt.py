"""Issue the tokens of djangorestframework-simplejwt: a short access token, and a refresh token for the next one.

Both name their session in the claim ``sid``. Where simplejwt's blacklist is installed, a session is ended by putting
its refresh tokens there, and the session itself, which the backend looks for at each request: an access token is
then worth nothing at once, not minutes later.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from secrets import token_hex
from time import time_ns
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from .. import accounts
from ..errors import NotAuthenticated
from . import lives
from .adapters import LibraryTokens
from .base import Issued, Session
from .bearer import token_of

BLACKLIST = "rest_framework_simplejwt.token_blacklist"
_SID, _BEGAN = "sid", "auth_time"  # claims that access tokens and rotated refresh tokens take over


class SimpleJwtTokens(LibraryTokens):
    """Issue a pair of tokens at each sign-in, as SIMPLE_JWT says."""

    app: ClassVar[str] = ""
    authentication_class: ClassVar[str] = "rest_framework_simplejwt.authentication.JWTAuthentication"

    def refresh(self, refresh_token: str, request: HttpRequest | None) -> Issued:
        """Return what the library's own view would, by the serializer that SIMPLE_JWT names. Raise NotAuthenticated."""
        serializer = import_string(api_settings.TOKEN_REFRESH_SERIALIZER)()
        try:
            new = serializer.validate({"refresh": refresh_token})
        except (TokenError, AuthenticationFailed, ObjectDoesNotExist):
            raise NotAuthenticated from None
        access = AccessToken(new["access"])
        if (user := _user(access)) is None or _is_ended(access):
            raise NotAuthenticated
        accounts.record_use(user)
        return _issued(access, new.get("refresh", refresh_token))

    def auth_time(self, request: HttpRequest, user: Any) -> datetime | None:
        """Return what our claim says; None for a token that the project itself issued, which has none."""
        claims: Any = _access_of(request) or {}
        is_own = claims and str(claims[api_settings.USER_ID_CLAIM]) == str(getattr(user, api_settings.USER_ID_FIELD))
        return lives.instant_of(claims[_BEGAN]) if is_own and _BEGAN in claims else None

    def revoke(self, request: HttpRequest) -> None:
        access = _access_of(request)
        if access and (user := _user(access)):
            _end(user, _sid(access))

    def revoke_all(self, user: Any) -> None:
        for sid in {_sid(each) for each in _refresh_tokens(user)}:
            _end(user, sid)

    def sessions(self, user: Any, request: HttpRequest | None) -> list[Session]:
        """Return the sessions of a user whose refresh tokens are in the tables of the blacklist."""
        own = (access := _access_of(request) if request else None) and _sid(access)
        found = {_sid(each): each for each in _refresh_tokens(user)}
        # The newest first, because claims know no less than a second.
        return [_session(user, sid, each, is_current=sid == own) for sid, each in reversed(found.items())]

    def purge(self) -> int:
        """Delete what the library's own command ``flushexpiredtokens`` does."""
        if not apps.is_installed(BLACKLIST):
            return 0
        return int(OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()[0])

    def _issue(self, user: Any) -> Issued:
        refresh = _FirstRefreshToken.for_user(user)
        return _issued(refresh.access_token, str(refresh))

    def _user_of(self, request: HttpRequest) -> Any | None:
        access = _access_of(request)
        return _user(access) if access and not _is_ended(access) else None


class _FirstRefreshToken(RefreshToken):
    """Begin a session: its name must be in the token before the library stores it."""

    def set_jti(self) -> None:
        super().set_jti()
        # Claims know no less than a second, so of two sessions the name tells which is the older one.
        self[_SID] = f"{time_ns():016x}{token_hex(8)}"
        self[_BEGAN] = self["iat"]


def _issued(access: Any, refresh_token: str) -> Issued:
    listed = _sid(access) if apps.is_installed(BLACKLIST) else ""
    return Issued(str(access), int(access.lifetime.total_seconds()), refresh_token, listed)


def _access_of(request: HttpRequest) -> Any | None:
    try:
        return AccessToken(token_of(request))  # type: ignore[arg-type]  # the library takes texts
    except TokenError:
        return None


def _user(access: Any) -> Any | None:
    try:
        return JWTAuthentication().get_user(access)
    except AuthenticationFailed:
        return None


def _sid(token: Any) -> str:
    """Return the name of a token's session; a token that the project itself issued is a session of its own."""
    return str(token.get(_SID, token[api_settings.JTI_CLAIM]))


def _refresh_tokens(user: Any) -> Iterator[Any]:
    """Yield the refresh tokens of a user that are valid, the oldest first; none without the blacklist's tables."""
    if apps.is_installed(BLACKLIST):
        rows = OutstandingToken.objects.filter(user=user, blacklistedtoken=None, expires_at__gt=timezone.now())
        for row in rows.order_by("created_at"):
            yield RefreshToken(row.token, verify=False)  # type: ignore[arg-type]  # and the row is its own


def _is_ended(token: Any) -> bool:
    return apps.is_installed(BLACKLIST) and BlacklistedToken.objects.filter(token__jti=_sid(token)).exists()


def _end(user: Any, sid: str) -> bool:
    """Put a session and its refresh tokens on the blacklist, if there is one, and return whether it had any."""
    if not apps.is_installed(BLACKLIST):
        return False
    tokens = [each for each in _refresh_tokens(user) if _sid(each) == sid]
    session: Any = RefreshToken()  # lives as long as any token of the session can
    session[api_settings.JTI_CLAIM] = sid
    session[api_settings.USER_ID_CLAIM] = str(getattr(user, api_settings.USER_ID_FIELD))
    for each in (session, *tokens):
        each.blacklist()
    return bool(tokens)


def _session(user: Any, sid: str, refresh: Any, *, is_current: bool) -> Session:
    began_at = datetime.fromtimestamp(refresh.get(_BEGAN, refresh["iat"]), UTC)
    return Session(sid, began_at, None, "", "", is_current, lambda: _end(user, sid))
