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
from django.http import HttpRequest

from .. import accounts, staff
from ..accounts.clients import described
from ..conf import conf
from ..db import lookups, writes
from ..db.lookups import Lookup
from ..models import Token, session_id
from . import lives
from .base import Issued, Issuing, Session
from .bearer import token_of

TAG = "otp_"
_SIGNED_IN = "otp_app.signed_in"  # in META, where the names of headers begin with HTTP_: who, and when
# Use is written down at most this often, so that most requests only read; a token becomes idle at most 1/24 early.
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
        token = _own_token_of(request)
        alias = router.db_for_write(Token)  # a replica has the token late, and knows late that it was revoked
        found = _lookup(get_user_model()).first(alias, _digest(token)) if token else None
        if found is None:
            return None
        pk, began_at, used_at, expires_at, *columns = found
        user, now = lookups.instance(get_user_model(), alias, columns), lives.now()
        if not user.is_active or lives.is_over(expires_at, used_at, now):
            return None
        if now - used_at >= min(_USED_AT_STEP, timedelta(seconds=min(conf.TOKEN_IDLE, conf.TOKEN_TTL)) / 24):
            renewed = lives.renewed_end(began_at, expires_at, now)
            Token.objects.filter(pk=pk).update(used_at=now, expires_at=renewed)
            accounts.record_use(user)
        request.META[_SIGNED_IN] = (user.pk, began_at)
        return staff.without_rights(user)

    def auth_time(self, request: HttpRequest, user: Any) -> datetime | None:
        if _SIGNED_IN not in request.META:
            self.authenticate(request)
        pk, began_at = request.META.get(_SIGNED_IN, (None, None))
        return began_at if pk == user.pk else None

    def revoke(self, request: HttpRequest) -> None:
        if token := _own_token_of(request):
            Token.objects.filter(digest=_digest(token)).delete()

    def revoke_all(self, user: Any) -> None:
        Token.objects.filter(user=user).delete()

    def sessions(self, user: Any, request: HttpRequest | None) -> list[Session]:
        own = _digest(_own_token_of(request)) if request else b""
        rows = Token.objects.using(router.db_for_write(Token)).filter(user=user).exclude(lives.over())
        return [_session(row, is_current=bytes(row.digest) == own) for row in rows]

    def purge(self) -> int:
        return lives.purge(Token)


def _session(row: Token, *, is_current: bool) -> Session:
    def end() -> bool:
        return Token.objects.filter(pk=row.pk).delete()[0] > 0

    return Session(row.public_id, row.began_at, row.used_at, row.client_name, row.network, is_current, end)


def _new_token() -> tuple[Issued, dict[str, Any]]:
    """Return a new token, and its row without the user."""
    token = TAG + secrets.token_urlsafe(32)
    now, digest = lives.now(), _digest(token)
    row = {"digest": digest, "began_at": now, "used_at": now, "expires_at": lives.first_end(now)}
    return Issued(token, conf.TOKEN_TTL, session=session_id(digest)), row


@lru_cache(maxsize=8)
def _lookup(user_model: type[Any]) -> Lookup:
    """Return the query by digest for a token and its user: the only query of an authenticated request."""
    columns = [f"user__{name}" for name in lookups.columns_of(user_model)]
    return Lookup(Token.objects.all(), "digest", ["pk", "began_at", "used_at", "expires_at", *columns])


def _own_token_of(request: HttpRequest) -> str:
    """Return the token that a request carries; empty if it is none of ours."""
    token = token_of(request)
    return token if token.startswith(TAG) else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
