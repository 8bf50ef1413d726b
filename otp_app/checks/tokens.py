"""Check what access tokens are signed with, and whose they say they are."""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error

from ..conf import conf
from ..tokens import signing_keys
from .types import register

JWT_BACKEND = "otp_app.tokens.jwt.JwtTokens"


@register()
def check_algorithm(**_: Any) -> list[CheckMessage]:
    """Find an unknown algorithm of access tokens (E060)."""
    if conf.JWT_ALGORITHM in signing_keys.ALGORITHMS:
        return []
    text = f"OTP_JWT_ALGORITHM is {conf.JWT_ALGORITHM!r}."
    return [Error(text, hint='Set it to "ES256" or "EdDSA".', id="otp_app.E060")]


@register(deploy=True)
def check_issuer(**_: Any) -> list[CheckMessage]:
    """Warn of access tokens that do not say which service has issued them (W060)."""
    if conf.TOKEN_BACKEND != JWT_BACKEND or conf.JWT_ISSUER or conf.PUBLIC_URL:
        return []
    text = 'OTP_TOKEN_BACKEND issues JWTs whose claim iss is "otp_app", as that of any such service.'
    hint = "Set OTP_PUBLIC_URL, or OTP_JWT_ISSUER: whoever verifies a token compares its iss with it."
    return [checks.Warning(text, hint=hint, id="otp_app.W060")]
