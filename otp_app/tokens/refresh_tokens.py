"""Make and read refresh tokens: the name of the session, a number, a random root, and a MAC over these three.

All refresh tokens of a session share the root, of which the table holds only the SHA-256, and differ by the number. So
the successor of a token is made of the token alone: whoever asks twice gets the same one, and nothing secret is kept
for that. And a token that was replaced long ago is told from one that somebody made up. The key is OTP_LEDGER_KEY, or
SECRET_KEY and its fallbacks; it forges nothing without a token of the session.
"""

import binascii
import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from ..keys import kept_keys

TAG = "otr_"  # lets secret scanners recognise a leaked token
_ROOT_BYTES = 32
_NUMBER_BYTES = 4
_MAC_BYTES = 16
_BYTES = 16 + _NUMBER_BYTES + _ROOT_BYTES + _MAC_BYTES


@dataclass(frozen=True, slots=True)
class PlainToken:
    """Hold what a refresh token says."""

    sid: UUID
    number: int  # how many came before it in its session
    root: bytes

    def __str__(self) -> str:
        """Return the token itself."""
        body = self._body()
        return TAG + urlsafe_b64encode(body + _mac(kept_keys("refresh token")[0], body)).decode().rstrip("=")

    @property
    def digest(self) -> bytes:
        """Return what the row of the session keeps of it."""
        return hashlib.sha256(self.root).digest()

    def successor(self) -> "PlainToken":
        return replace(self, number=self.number + 1)

    def _body(self) -> bytes:
        return self.sid.bytes + self.number.to_bytes(_NUMBER_BYTES, "big") + self.root


def new() -> PlainToken:
    """Return the first refresh token of a new session."""
    return PlainToken(uuid4(), 0, secrets.token_bytes(_ROOT_BYTES))


def read(token: str) -> PlainToken | None:
    """Return what a refresh token says; None if this service did not make it, or the key has gone from the settings."""
    encoded = token.removeprefix(TAG)
    if encoded == token or not token.isascii():
        return None
    try:
        raw = b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(raw) != _BYTES or not any(hmac.compare_digest(_mac(key, body), mac) for key in kept_keys("refresh token")):
        return None
    return PlainToken(UUID(bytes=body[:16]), int.from_bytes(body[16:20], "big"), body[20:])


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)[:_MAC_BYTES]
