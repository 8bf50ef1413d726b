"""Name the relying party of WebAuthn, who asks for passkeys, and make and use up the challenges of its ceremonies.

A challenge is signed and holds what it is about. So to begin a ceremony writes nothing, and strangers who begin many
fill no table. It is good for 5 minutes, and once: the store counts its use, as that of a proof of work.
"""

import base64
import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.signing import BadSignature, Signer

from .. import stores
from ..challenges import random_id
from ..conf import conf
from ..db import clock
from ..errors import InvalidOrExpiredCode, Limited
from ..keys import ledger_id
from ..limits.values import Counts, Limit, RequestLimits

TTL_SECONDS = 300
_SALT = "otp_app.passkey"


def is_on() -> bool:
    """Return whether the service has passkeys: the extra ``passkeys`` is installed and the relying party is known."""
    return bool(rp_id()) and find_spec("webauthn") is not None


def rp_id() -> str:
    """Return the domain that passkeys belong to, never from the Host header; "" if no setting names it."""
    return conf.PASSKEY_RP_ID or urlsplit(conf.PUBLIC_URL).hostname or ""


def origins() -> list[str]:
    """Return the origins of the pages and apps whose answers count."""
    public = urlsplit(conf.PUBLIC_URL)
    return list(conf.PASSKEY_ORIGINS) or ([f"{public.scheme}://{public.netloc}"] if public.hostname else [])


def new_challenge(*about: str) -> bytes:
    """Return a challenge about something: what the ceremony is for, and whose it is."""
    return _signer().sign_object([*about, random_id(), clock.milliseconds()]).encode()


def challenge_of(answer: Mapping[str, Any], *about: str) -> bytes:
    """Return the challenge that an answer was made for. Raise InvalidOrExpiredCode unless it is ours and about this.

    An answer from within a frame of another site is refused, too.
    """
    try:
        said = json.loads(decoded(answer["response"]["clientDataJSON"]))
        challenge, crosses = decoded(said["challenge"]), said.get("crossOrigin")
        named = _signer().unsign_object(challenge.decode("ascii"))
    except (BadSignature, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise InvalidOrExpiredCode from None
    *of, _nonce, at = named
    if of != list(about) or at + TTL_SECONDS * 1000 <= clock.milliseconds() or crosses:
        raise InvalidOrExpiredCode
    return challenge


def use_up(challenge: bytes) -> None:
    """Use up a challenge of ``challenge_of``. Raise InvalidOrExpiredCode if it was used before."""
    *_, nonce, _at = _signer().unsign_object(challenge.decode())
    key = ledger_id("passkey", nonce)
    once = Limit("passkey_challenge", Counts.KEY, 1, 2 * TTL_SECONDS, key=key, subject="passkey", kept=True)
    try:
        stores.current().take(RequestLimits((once,)))
    except Limited:
        raise InvalidOrExpiredCode from None


def decoded(text: str) -> bytes:
    """Return the bytes of a text in base64url without padding. Raise ValueError or TypeError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signer() -> Signer:
    """Return a new signer at each use, because a signer reads SECRET_KEY and its fallbacks when it is made."""
    return Signer(salt=_SALT)
