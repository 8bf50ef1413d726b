"""Sign and verify access tokens: JSON Web Tokens as RFC 9068 has them, by the rules of RFC 8725.

Which algorithm verifies a token is a matter of its key, never of what the token says.
"""

import json
import secrets
from datetime import datetime
from functools import lru_cache
from typing import Any

from joserfc import jwk, jwt
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from ..conf import conf
from . import lives, signing_keys

TYPE = "at+jwt"  # RFC 9068: no other kind of JWT passes for an access token
_LEEWAY_SECONDS = 30  # by which the clock of another machine of ours may be ahead


class _Registry(JWSRegistry):
    """Know two algorithms. What RFC 9864 renames Ed25519 most libraries know as EdDSA, of which joserfc warns."""

    def get_alg(self, name: str) -> Any:
        if name not in signing_keys.ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_registry = _Registry()


def issuer() -> str:
    """Return the claim iss of our tokens."""
    return conf.JWT_ISSUER or conf.PUBLIC_URL or "otp_app"


def sign(subject: str, sid: str, auth_time: datetime) -> str:
    """Return an access token of a session; ``auth_time`` is when its user signed in."""
    row, private = signing_keys.current()
    now = int(lives.now().timestamp())
    claims = {
        "iss": issuer(),
        "sub": subject,
        "iat": now,
        "exp": now + conf.JWT_TTL,
        "jti": secrets.token_urlsafe(16),
        "sid": sid,
        "auth_time": int(auth_time.timestamp()),
    }
    if conf.JWT_AUDIENCE:
        claims["aud"] = conf.JWT_AUDIENCE
    return jwt.encode(_header(row), claims, _key(private), registry=_registry)


def claims_of(token: str) -> dict[str, Any] | None:
    """Return the claims of a valid access token, or None. It costs no query while its key is known."""
    if not token.startswith("ey"):  # as the JSON of every header begins
        return None
    try:
        read = jwt.decode(token, _key_of, registry=_registry)
        row = signing_keys.find(read.header["kid"])
        if row is None or read.header != _header(row):
            return None
        _validate(read.claims)
    except (JoseError, ValueError, TypeError):  # whatever somebody sends
        return None
    return read.claims


def _key_of(signed: Any) -> jwk.Key:
    row = signing_keys.find(signed.headers().get("kid"))
    if row is None:
        raise JoseError
    return _key(json.dumps(row.public))


@lru_cache(maxsize=16)
def _key(text: str) -> jwk.Key:
    return jwk.import_key(json.loads(text))


def _header(row: Any) -> dict[str, Any]:
    return {"typ": TYPE, "alg": row.public["alg"], "kid": row.kid}


def _validate(claims: dict[str, Any]) -> None:
    """Raise JoseError for claims that are not of us, not for us, or not of now.

    A token with an audience is none of ours where OTP_JWT_AUDIENCE is empty.
    """
    now = int(lives.now().timestamp())
    there: jwt.ClaimsOption = {"essential": True}
    ours: jwt.ClaimsOption = {"essential": True, "value": issuer()}
    for_us: jwt.ClaimsOption = {"essential": bool(conf.JWT_AUDIENCE), "value": conf.JWT_AUDIENCE}
    required = jwt.JWTClaimsRegistry(
        now, _LEEWAY_SECONDS, iss=ours, aud=for_us, exp=there, iat=there, sub=there, sid=there
    )
    required.validate(claims)
    if claims["exp"] <= now:  # without the leeway
        raise ExpiredTokenError("exp")
