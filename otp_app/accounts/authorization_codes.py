"""Sign people in to other sites by an authorization code with PKCE (RFC 6749 §4.1, RFC 7636 S256), no more of OAuth.

::

    site ── /login/?client=…&redirect_uri=…&state=…&code_challenge=… ── validate_request
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
MAX_ADDRESS_CHARACTERS = 2048  # of an address, and of a state as it stands in one


@dataclass(frozen=True, slots=True)
class Authorization:
    """Hold the valid request of a site for a code."""

    client: AuthorizationClient
    redirect_uri: str
    code_challenge: str
    state: str


def validate_request(
    *, client: str, redirect_uri: str, code_challenge: str, state: str, method: str = "S256"
) -> Authorization:
    """Return what a site asks for. Raise InvalidAuthorization with the name of the first parameter that is wrong.

    Show the error to the person: it must never be sent to an address that nobody registered.
    """
    known = client.isalnum() and AuthorizationClient.objects.filter(pk=client, is_active=True).first()
    if not known:
        raise InvalidAuthorization("client")
    if redirect_uri not in known.redirect_uris.split():  # exactly, or a sibling page could fetch codes (RFC 9700 §2.1)
        raise InvalidAuthorization("redirect_uri")
    if not _CHALLENGE.fullmatch(code_challenge) or method != "S256":
        raise InvalidAuthorization("code_challenge")
    if len(quote(state)) > MAX_ADDRESS_CHARACTERS:
        raise InvalidAuthorization("state")
    return Authorization(known, redirect_uri, code_challenge, state)


def issue(authorization: Authorization, user: Any) -> str:
    """Return the address by which the person goes back to the site, with a code. It lives OTP_AUTHORIZATION_TTL s."""
    code = secrets.token_urlsafe(32)
    AuthorizationCode.objects.create(
        digest=_digest(code),
        client=authorization.client,
        user=user,
        redirect_uri=authorization.redirect_uri,
        code_challenge=authorization.code_challenge,
        expires_at=stores.current().now() + conf.AUTHORIZATION_TTL * 1000,
    )
    separator = "&" if "?" in authorization.redirect_uri else "?"
    parameters = {"code": code} | ({"state": authorization.state} if authorization.state else {})
    return f"{authorization.redirect_uri}{separator}{urlencode(parameters)}"


def redeem(*, client: str, redirect_uri: str, code: str, code_verifier: str) -> Any:
    """Return the user whom a code was issued for. Raise InvalidOrExpiredCode if anything about it is wrong.

    Delete the code before its other parameters are compared: of many requests at once only one deletes it, and one with
    the wrong verifier makes it worthless.
    """
    row = _codes().select_related("user", "client").filter(digest=_digest(code)).first()
    require_none(_codes().db)  # a rollback would bring the code back
    now = stores.current().now()  # before the code is spent: Unavailable asks the site to try again
    if row is None or not _codes().filter(pk=row.pk).delete()[0]:
        raise InvalidOrExpiredCode
    matches = (row.client_id, row.redirect_uri) == (client, redirect_uri) and row.client.is_active
    matches = matches and _verifier_matches(code_verifier, row.code_challenge)
    if not matches or row.expires_at <= now or not row.user.is_active:
        raise InvalidOrExpiredCode
    return row.user


def revoke_all(user: Any) -> None:
    """Delete the codes of a user that no site has redeemed yet."""
    _codes().filter(user=user).delete()


def purge(now: int) -> None:
    """Delete the codes that had expired by ``now`` (milliseconds by the store's clock)."""
    _codes().filter(expires_at__lt=now).delete()


def _codes() -> QuerySet[AuthorizationCode]:
    return AuthorizationCode.objects.using(router.db_for_write(AuthorizationCode))


def _verifier_matches(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    expected = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(expected, challenge.encode())


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
