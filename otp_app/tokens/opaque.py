"""Opaque tokens: 256 random bits, of which only the SHA-256 is stored.

A fast hash is right here: unlike a password the token cannot be guessed, so there is nothing to slow down. The tag in
front lets secret scanners recognise a leaked one.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from .. import clock
from ..conf import conf
from ..models import Token
from .base import Issued

TAG = "otp_"
_SCHEMES = {"bearer", "token"}
_WRITE_EVERY = timedelta(hours=1)  # at the most: reading stays one statement, and idle ends at most 1/24 early


class OpaqueTokens:
    """The default backend."""

    ambient: ClassVar[bool] = False

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        token = TAG + secrets.token_urlsafe(32)
        now = _now()
        expires_at = now + timedelta(seconds=conf.TOKEN_TTL)
        Token.objects.create(digest=_digest(token), user=user, used_at=now, expires_at=expires_at)
        return Issued(token, conf.TOKEN_TTL)

    def authenticate(self, request: HttpRequest) -> Any | None:
        row = self._find(request)
        now = _now()
        if row is None or not row.user.is_active or row.expires_at <= now:
            return None
        if now - row.used_at >= timedelta(seconds=conf.TOKEN_IDLE):
            return None
        if now - row.used_at >= min(_WRITE_EVERY, timedelta(seconds=conf.TOKEN_IDLE / 24)):
            Token.objects.filter(pk=row.pk).update(used_at=now)
        return row.user

    def revoke(self, request: HttpRequest) -> None:
        if token := _token_of(request):
            Token.objects.filter(digest=_digest(token)).delete()

    def revoke_all(self, user: Any) -> None:
        Token.objects.filter(user=user).delete()

    def purge(self) -> int:
        now = _now()
        dead = Q(expires_at__lt=now) | Q(used_at__lt=now - timedelta(seconds=conf.TOKEN_IDLE))
        return Token.objects.filter(dead).delete()[0]

    @staticmethod
    def _find(request: HttpRequest) -> Token | None:
        token = _token_of(request)
        if not token:
            return None
        return Token.objects.select_related("user").filter(digest=_digest(token)).first()


def _token_of(request: HttpRequest) -> str:
    """From ``Authorization: Bearer …`` (RFC 6750) or DRF's habitual ``Token …``; empty when there is none of ours."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() in _SCHEMES and token.startswith(TAG) and token.isascii() else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _now() -> datetime:
    return timezone.now() + timedelta(milliseconds=clock.offset())
