"""Keep the keys that sign access tokens: the next one, which is only published yet, the current one, and retired ones.

A key signs from an instant on that is written in its row, so time alone makes the next key the current one. Each
process reads the table again after some seconds.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from django.db import router
from django.db.models import QuerySet

from ..conf import conf
from ..db import clock
from ..keys import kept_keys
from ..models import SigningKey

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEPT_MS = 30_000
_AGAIN_MS = 1000  # after which an unknown key id has the table read again: others may have made the key just now
_CURVES = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
ALGORITHMS = tuple(_CURVES)


class _Kept:
    """Hold the rows of all keys, the newest first, and when they were read."""

    rows: Sequence[SigningKey] = ()
    read_at: int | None = None
    lock = Lock()


def published() -> list[SigningKey]:
    """Return the keys by which a valid token may be signed, now or soon, the newest first."""
    rows, now = _read(KEPT_MS), clock.milliseconds()
    return [row for newer, row in zip([None, *rows], rows, strict=False) if newer is None or not _outlived(newer, now)]


def find(kid: Any) -> SigningKey | None:
    """Return the published key of an id that a token names."""
    found = _named(kid)
    if found is None:
        _read(_AGAIN_MS)
        found = _named(kid)
    return found


def current() -> tuple[SigningKey, str]:
    """Return the key that signs now, and its private half as JSON; make one if there is none.

    A key is passed over if the settings do not have the secret any more that encrypts it.
    """
    now = clock.milliseconds()
    for row in _read(KEPT_MS):
        if row.signs_from <= now and (private := _private(row)):
            return row, private
    row = make(signs_from=now)
    return row, _private(row)


def make(*, signs_from: int) -> SigningKey:
    """Make a key that signs from an instant on (milliseconds since 1970)."""
    from joserfc.jwk import JWKRegistry

    kind, curve = _CURVES[conf.JWT_ALGORITHM]
    key = JWKRegistry.generate_key(kind, curve, {"use": "sig", "alg": conf.JWT_ALGORITHM}, auto_kid=True)
    private = _cipher().encrypt(json.dumps(key.as_dict(private=True)).encode()).decode()
    row = _rows().create(kid=str(key.kid), public=key.as_dict(private=False), private=private, signs_from=signs_from)
    _read(0)
    return row


def make_next() -> SigningKey | None:
    """Make the key that signs OTP_JWT_KEY_LEAD seconds from now; return None if there is such a key already."""
    now = clock.milliseconds()
    if _rows().filter(signs_from__gt=now).exists():
        return None
    return make(signs_from=now + (conf.JWT_KEY_LEAD * 1000 if _rows().exists() else 0))


def replace_all() -> SigningKey:
    """Make a key that signs at once and delete all others, with which what they have signed becomes worthless."""
    row = make(signs_from=clock.milliseconds())
    _rows().exclude(pk=row.pk).delete()
    _read(0)
    return row


def purge() -> None:
    """Delete the keys by which no valid token can be signed any more."""
    _read(0)
    _rows().exclude(pk__in=[row.pk for row in published()]).delete()


def _read(kept_ms: int) -> Sequence[SigningKey]:
    """Return all keys, the newest first, from the table if they were read longer ago."""
    now = clock.milliseconds()
    with _Kept.lock:
        if _Kept.read_at is None or not 0 <= now - _Kept.read_at < kept_ms:
            _Kept.rows, _Kept.read_at = tuple(_rows().order_by("-signs_from", "-kid")), now
        return _Kept.rows


def _named(kid: Any) -> SigningKey | None:
    return next((row for row in published() if row.kid == kid), None)


def _outlived(newer: SigningKey, now: int) -> bool:
    """Return whether all tokens have expired that were signed before every process knew a newer key to be current."""
    return newer.signs_from + conf.JWT_TTL * 1000 + 2 * KEPT_MS <= now


def _private(row: SigningKey) -> str:
    """Return the private half as JSON; "" if its secret has gone from the settings."""
    from cryptography.fernet import InvalidToken

    try:
        return _cipher().decrypt(row.private).decode()
    except InvalidToken:
        return ""


def _cipher() -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in kept_keys("signing key")])


def _rows() -> QuerySet[SigningKey]:
    """Return the rows of all keys, in the database that they are written to: a replica has them late."""
    return SigningKey.objects.using(router.db_for_write(SigningKey))
