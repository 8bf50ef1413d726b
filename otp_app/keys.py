"""Derive a key for each use from Django's secrets, each with its own salt so that none can stand in for another."""

import hashlib
import hmac
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from .conf import conf


@lru_cache(maxsize=64)
def derive(secret: str | bytes, use: str) -> bytes:
    """Derive a 256-bit key for ``use`` from a secret; cached because every request needs some."""
    raw = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(raw, b"otp_app." + use.encode(), hashlib.sha256)


@lru_cache(maxsize=64)
def fingerprint(key: bytes) -> str:
    """Return a name for a key that does not reveal the key: 64 bits of a hash that is keyed with it."""
    return hmac.digest(key, b"fingerprint", hashlib.sha256)[:8].hex()


def keys_for(use: str) -> list[bytes]:
    """Return the keys for ``use``: first the current one, then those of SECRET_KEY_FALLBACKS."""
    return [derive(secret, use) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


@lru_cache(maxsize=4096)  # requests need some of these names several times, and share others
def ledger_id(kind: str, subject: str) -> str:
    """Return the name under which a phone or client is counted: 128 bits of a keyed hash, 32 hexadecimal digits.

    So counters hold neither phones nor addresses. The key is OTP_LEDGER_KEY, or else the oldest secret, which stays the
    same while SECRET_KEY rotates and its predecessor is a fallback.
    """
    return hmac.digest(_ledger_key(), f"{kind}|{subject}".encode(), "sha256")[:16].hex()


def kept_keys(use: str) -> list[bytes]:
    """Return the keys for what outlives a rotation: first the one for new rows, then those that older rows may name."""
    secrets = (conf.LEDGER_KEY, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [derive(secret, use) for secret in secrets if secret]


@lru_cache(maxsize=1)
def _ledger_key() -> bytes:
    return derive(conf.LEDGER_KEY or (settings.SECRET_KEY_FALLBACKS or [settings.SECRET_KEY])[-1], "ledger")


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "OTP_LEDGER_KEY"):
        _ledger_key.cache_clear()
        ledger_id.cache_clear()


setting_changed.connect(_forget)


def counter_key(per: str, subject: str) -> str:
    """Return the name of all counters of a subject; ``per`` is as in the table of limits."""
    return ledger_id(f"counters per {per}", subject)


def phone_key(phone: str, device: str = "") -> str:
    """Return the name of a phone's sends and failures; known devices have one of their own."""
    return ledger_id("devices" if device else "failures", phone)
