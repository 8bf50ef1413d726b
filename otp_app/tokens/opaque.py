"""Issue opaque tokens: 256 random bits, of which only the SHA-256 is stored.

A fast hash is right here: unlike a password the token cannot be guessed, so there is nothing to slow down. The tag in
front lets secret scanners recognise a leaked token.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from .. import accounts, staff
from ..accounts.clients import described
from ..conf import conf
from ..db import clock, lookups, writes
from ..db.lookups import Lookup
from ..models import Token, session_id
from .base import Issued, Issuing, Session

TAG = "otp_"
_SCHEMES = {"bearer", "token"}
# ``used_at`` is written at most this often, so that most requests only read; a token becomes idle at most 1/24 early.
_USED_AT_STEP = timedelta(hours=1)


class OpaqueTokens:
    """Issue one opaque token for each sign-in. This is the default backend."""

    ambient: ClassVar[bool] = False

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        issued, row = _new_token()
        alias = router.db_for_write(Token)
        writes.run(alias, writes.inserting(alias, Token, row | described(request) | {"user_id": user.pk}))
        return issued

    def issuing(self) -> Issuing | None:
        if type(self).issue is not OpaqueTokens.issue:  # a subclass's own ``issue`` may do more than insert the row
            return None
        issued, row = _new_token()
        return Issuing(issued, Token, row)

    def authenticate(self, request: HttpRequest) -> Any | None:
        token = _token_of(request)
        alias = router.db_for_write(Token)  # a replica has the token late, and knows late that it was revoked
        found = _lookup(get_user_model()).first(alias, _digest(token)) if token else None
        if found is None:
            return None
        pk, used_at, expires_at, *columns = found
        user = lookups.instance(get_user_model(), alias, columns)
        now, idle = _now(), timedelta(seconds=conf.TOKEN_IDLE)
        if not user.is_active or expires_at <= now or now - used_at >= idle:
            return None
        if now - used_at >= min(_USED_AT_STEP, idle / 24):
            Token.objects.filter(pk=pk).update(used_at=now)
            accounts.record_use(user)
        return staff.without_rights(user)

    def revoke(self, request: HttpRequest) -> None:
        if token := _token_of(request):
            Token.objects.filter(digest=_digest(token)).delete()

    def revoke_all(self, user: Any) -> None:
        Token.objects.filter(user=user).delete()

    def sessions(self, user: Any, request: HttpRequest | None) -> list[Session]:
        own = _digest(_token_of(request)) if request else b""
        rows = Token.objects.using(router.db_for_write(Token)).filter(user=user).exclude(_dead())
        return [_session(row, is_current=bytes(row.digest) == own) for row in rows]

    def purge(self) -> int:
        return Token.objects.filter(_dead()).delete()[0]


def _session(row: Token, *, is_current: bool) -> Session:
    def end() -> bool:
        return Token.objects.filter(pk=row.pk).delete()[0] > 0

    return Session(row.public_id, row.began_at, row.used_at, row.client_name, row.network, is_current, end)


def _dead() -> Q:
    now = _now()
    return Q(expires_at__lte=now) | Q(used_at__lte=now - timedelta(seconds=conf.TOKEN_IDLE))


def _new_token() -> tuple[Issued, dict[str, Any]]:
    """Return a new token, and its row without the user."""
    token = TAG + secrets.token_urlsafe(32)
    now = _now()
    expires_at = now + timedelta(seconds=conf.TOKEN_TTL)
    row = {"digest": (digest := _digest(token)), "began_at": now, "used_at": now, "expires_at": expires_at}
    return Issued(token, conf.TOKEN_TTL, session=session_id(digest)), row


@lru_cache(maxsize=8)
def _lookup(user_model: type[Any]) -> Lookup:
    """Return the query by digest for a token and its user: the only query of an authenticated request."""
    columns = [f"user__{name}" for name in lookups.columns_of(user_model)]
    return Lookup(Token.objects.all(), "digest", ["pk", "used_at", "expires_at", *columns])


def _token_of(request: HttpRequest) -> str:
    """Return the token in ``Authorization: Bearer …`` (RFC 6750) or DRF's usual ``Token …``; empty if none is ours."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() in _SCHEMES and token.startswith(TAG) and token.isascii() else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _now() -> datetime:
    return timezone.now() + timedelta(milliseconds=clock.offset())
