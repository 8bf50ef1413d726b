"""Keys for each use, derived from Django's secrets, each with its own salt so that none stands in for another."""

import hashlib
import hmac
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from .conf import conf


@lru_cache(maxsize=64)
def derive(secret: str | bytes, use: str) -> bytes:
    """A 256-bit key for ``use``; cached because it is a pure function asked for at every request."""
    raw = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(raw, b"otp_app." + use.encode(), hashlib.sha256)


@lru_cache(maxsize=64)
def fingerprint(key: bytes) -> str:
    """A name for a key that tells nothing about it: 64 bits of a keyed hash of nothing."""
    return hmac.digest(key, b"fingerprint", hashlib.sha256)[:8].hex()


def keys_for(use: str) -> list[bytes]:
    """The keys that may have been in use for it, the one for what is new first."""
    return [derive(secret, use) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


@lru_cache(maxsize=4096)  # a request asks for some names several times, and every request for those that all share
def ledger_id(kind: str, subject: str) -> str:
    """Return under which name a phone or client is counted: 128 bits of a keyed hash, so that counters hold neither.

    The oldest secret is the default key: it stays while SECRET_KEY rotates and its predecessor is a fallback.
    """
    return hmac.digest(_ledger_key(), f"{kind}|{subject}".encode(), "sha256")[:16].hex()


@lru_cache(maxsize=1)
def _ledger_key() -> bytes:
    return derive(conf.LEDGER_KEY or (settings.SECRET_KEY_FALLBACKS or [settings.SECRET_KEY])[-1], "ledger")


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "OTP_LEDGER_KEY"):
        _ledger_key.cache_clear()
        ledger_id.cache_clear()


setting_changed.connect(_forget)


# The lines of the table by whose name the counters of a subject are called; blocks are stored under these names.
_FIRST_LINES = {
    "client": "sends_per_client_hour",
    "site": "sends_per_site_hour",
    "prefix": "unconverted_per_prefix_hour",
    "region": "sends_per_region_day",
    "all": "sends_per_day",
    "account": "passwords_per_account_hour",
}


def counter_key(per: str, subject: str) -> str:
    """Return under which name all counters of a subject are kept: a client, site, prefix, region, account, or all."""
    return ledger_id(_FIRST_LINES[per], subject)


def phone_key(phone: str, device: str = "") -> str:
    """Under which name a phone's sends and failures are kept; those of devices that signed in before are apart."""
    return ledger_id("devices" if device else "failures", phone)
