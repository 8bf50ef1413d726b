"""Codes are derived, never stored.

``code = first 8 bytes of HMAC-SHA256(key, purpose | id | nonce), big-endian, mod 10^length``. A dump of the store holds
the nonce but no key, the key alone lacks the nonce, so neither gives a code; and a resend needs nothing kept but the
challenge. The bias of the modulus is below 10^10 / 2^64, that is 10^-9.
"""

import hashlib
import hmac

from ..keys import fingerprint, keys_for
from ..phones import test_numbers
from .challenge import Challenge, random_id
from .policies import policy_for


def current_key_id() -> str:
    """The fingerprint a new challenge carries."""
    return fingerprint(keys_for("code")[0])


def new_challenge(new_id: str, phone: str, purpose: str, language: str, channel: str, device: str) -> Challenge:
    """What a policy grants, and all that a code is derived from; without an id under a new one."""
    policy = policy_for(purpose)
    return Challenge(
        id=new_id or random_id(),
        nonce=random_id(),
        key_id=current_key_id(),
        phone=phone,
        purpose=purpose,
        language=language,
        channel=channel,
        length=policy.length,
        ttl=policy.ttl,
        checks=policy.checks,
        checks_left=policy.checks,
        # A device is told apart by its value as a challenge is by its id: no stranger can spend its checks.
        phone_checks_left=policy.checks if device else min(policy.checks, policy.checks_by_phone),
        sends_left=policy.sends,
        device=device,
    )


def code_for(challenge: Challenge) -> str | None:
    """The code of a challenge, or None when its key was retired from SECRET_KEY_FALLBACKS."""
    if fixed := test_numbers.code_of(challenge.phone):
        return fixed
    key = next((key for key in keys_for("code") if fingerprint(key) == challenge.key_id), None)
    if key is None:
        return None
    text = f"{challenge.purpose}|{challenge.id}|{challenge.nonce}".encode()
    number = int.from_bytes(hmac.digest(key, text, hashlib.sha256)[:8], "big")
    return str(number % 10**challenge.length).zfill(challenge.length)


def matches(challenge: Challenge, code: str) -> bool:
    """Compare in constant time, as bytes: ``compare_digest`` raises on text that is not ASCII."""
    expected = code_for(challenge)
    return expected is not None and hmac.compare_digest(expected.encode(), code.encode())
