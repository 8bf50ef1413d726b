"""Check the relying party of passkeys."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error

from ..conf import conf
from ..factors import relying_party
from .types import register

_LOCAL = ("localhost", "127.0.0.1", "::1")  # which browsers trust without TLS
_APP = "android:apk-key-hash:"  # how Android names the origin of an app


@register()
def check_passkeys(**_: Any) -> list[CheckMessage]:
    """Find passkeys that nobody could use: half a relying party, a missing package or a foreign origin (E051)."""
    return [*_faults()]


def _faults() -> Iterator[CheckMessage]:
    domain, origins = relying_party.rp_id(), relying_party.origins()
    if conf.PASSKEY_ORIGINS and not domain:
        text = "OTP_PASSKEY_ORIGINS is set, but neither OTP_PASSKEY_RP_ID nor OTP_PUBLIC_URL is."
        hint = "Set OTP_PASSKEY_RP_ID to the domain that passkeys belong to, as example.com."
        yield Error(text, hint=hint, id="otp_app.E051")
    if conf.PASSKEY_RP_ID and not origins:
        text = "OTP_PASSKEY_RP_ID is set, but neither OTP_PASSKEY_ORIGINS nor OTP_PUBLIC_URL is."
        hint = "Set OTP_PASSKEY_ORIGINS to the origins of your pages, as https://example.com."
        yield Error(text, hint=hint, id="otp_app.E051")
    if conf.PASSKEY_RP_ID and find_spec("webauthn") is None:
        text = "OTP_PASSKEY_RP_ID is set, but the package webauthn is not installed."
        yield Error(text, hint='Install the extra "passkeys" of otp-app.', id="otp_app.E051")
    own = conf.PASSKEY_RP_ID or conf.PASSKEY_ORIGINS  # else the address that is public has a check of its own
    if foreign := [each for each in origins if own and domain and not _may_use(each, domain)]:
        text = f"Passkeys of {domain} cannot be used at {', '.join(foreign)}."
        hint = "Name origins of that domain or below it, with https:// and without a path, or apps of Android."
        yield Error(text, hint=hint, id="otp_app.E051")


def _may_use(origin: str, domain: str) -> bool:
    """Return whether a browser lets a page of this origin use passkeys of the domain; apps may, if its site agrees."""
    if origin.startswith(_APP):
        return True
    parts = urlsplit(origin)
    host = parts.hostname or ""
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    is_plain = origin == f"{parts.scheme}://{parts.netloc}"
    return is_secure and is_plain and (host == domain or host.endswith(f".{domain}"))
