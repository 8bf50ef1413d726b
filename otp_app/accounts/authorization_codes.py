"""Sign-in for other sites: an authorization code with PKCE (RFC 6749 §4.1, RFC 7636 with S256), no more of OAuth.

::

    site ── /login/?client=…&redirect_uri=…&state=…&code_challenge=… ── requested
    person signs in ── redirect_uri?code=…&state=… ─────────────────── issue
    site ── code, code_verifier ─────────────────────────────────────── redeem: spend, then compare
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.db import router
from django.db.models import QuerySet

from .. import stores
from ..conf import conf
from ..db.transactions import require_none
from ..errors import InvalidAuthorization, InvalidOrExpiredCode
from ..models import AuthorizationClient, AuthorizationCode

_CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")  # base64url of a SHA-256
_VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1
LONGEST = 2048  # characters of an address or a state


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a site asks for, once it has been checked."""

    client: AuthorizationClient
    redirect_uri: str
    code_challenge: str
    state: str


def requested(
    *, client: str, redirect_uri: str, code_challenge: str, state: str, method: str = "S256"
) -> Authorization:
    """InvalidAuthorization, which is shown to the person and never sent to an address that nobody registered."""
    found = client.isalnum() and AuthorizationClient.objects.filter(pk=client, is_active=True).first()
    if not found:
        raise InvalidAuthorization("client")
    if redirect_uri not in found.redirect_uris.split():  # exactly, or a sibling page could fetch codes (RFC 9700 §2.1)
        raise InvalidAuthorization("redirect_uri")
    if not _CHALLENGE.fullmatch(code_challenge) or method != "S256":
        raise InvalidAuthorization("code_challenge")
    if len(quote(state)) > LONGEST:  # as it stands in an address
        raise InvalidAuthorization("state")
    return Authorization(found, redirect_uri, code_challenge, state)


def issue(authorization: Authorization, user: Any) -> str:
    """The address by which the person goes back, with a code for OTP_AUTHORIZATION_TTL seconds."""
    code = secrets.token_urlsafe(32)
    AuthorizationCode.objects.create(
        digest=_digest(code),
        client=authorization.client,
        user=user,
        redirect_uri=authorization.redirect_uri,
        code_challenge=authorization.code_challenge,
        expires_at=stores.current().now() + conf.AUTHORIZATION_TTL * 1000,
    )
    joint = "&" if "?" in authorization.redirect_uri else "?"
    answer = {"code": code} | ({"state": authorization.state} if authorization.state else {})
    return f"{authorization.redirect_uri}{joint}{urlencode(answer)}"


def redeem(*, client: str, redirect_uri: str, code: str, code_verifier: str) -> Any:
    """The user whom a code stands for. InvalidOrExpiredCode for everything else.

    The code is spent before anything else about it is compared: of many who bring it at once, one deletes it, and who
    brings it with the wrong verifier has made it worthless.
    """
    row = _codes().select_related("user", "client").filter(digest=_digest(code)).first()
    require_none(_codes().db)  # a rollback would bring the code back
    now = stores.current().now()  # asked first: a code must not be spent for an answer that says to ask again
    if row is None or not _codes().filter(pk=row.pk).delete()[0]:
        raise InvalidOrExpiredCode
    same = (row.client_id, row.redirect_uri) == (client, redirect_uri) and row.client.is_active
    if not same or row.expires_at <= now or not _proves(code_verifier, row.code_challenge):
        raise InvalidOrExpiredCode
    if not row.user.is_active:
        raise InvalidOrExpiredCode
    return row.user


def revoke_all(user: Any) -> None:
    """End the codes that are on their way."""
    _codes().filter(user=user).delete()


def purge(now: int) -> None:
    """Delete the codes that nobody fetched."""
    _codes().filter(expires_at__lt=now).delete()


def _codes() -> QuerySet[AuthorizationCode]:
    return AuthorizationCode.objects.using(router.db_for_write(AuthorizationCode))


def _proves(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
