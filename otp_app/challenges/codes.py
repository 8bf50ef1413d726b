"""Derive codes; codes are never stored.

``code = first 8 bytes of HMAC-SHA256(key, purpose | id | nonce), big-endian, mod 10^length``. A dump of the store holds
the nonce but no key, and the key alone lacks the nonce, so neither gives a code. A resend needs nothing but the
challenge. The bias of the modulus is below 10^10 / 2^64, that is 10^-9.
"""

import hashlib
import hmac

from ..keys import fingerprint, keys_for
from ..phones import test_numbers
from .challenge import Challenge, random_id
from .policies import policy_for


def current_key_id() -> str:
    """Return the fingerprint of the key that new challenges use."""
    return fingerprint(keys_for("code")[0])


def new_challenge(new_id: str, phone: str, purpose: str, language: str, channel: str, device: str) -> Challenge:
    """Make a challenge with a random nonce and what the purpose's policy grants; ``new_id`` "" takes a random id."""
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
        # Strangers cannot spend the checks of a known device, because they lack its value.
        phone_checks_left=policy.checks if device else min(policy.checks, policy.checks_by_phone),
        sends_left=policy.sends,
        device=device,
    )


def code_for(challenge: Challenge) -> str | None:
    """Return the code of a challenge; None when its key is no longer in SECRET_KEY_FALLBACKS."""
    if fixed := test_numbers.code_of(challenge.phone):
        return fixed
    key = next((key for key in keys_for("code") if fingerprint(key) == challenge.key_id), None)
    if key is None:
        return None
    text = f"{challenge.purpose}|{challenge.id}|{challenge.nonce}".encode()
    number = int.from_bytes(hmac.digest(key, text, hashlib.sha256)[:8], "big")
    return str(number % 10**challenge.length).zfill(challenge.length)


def matches(challenge: Challenge, code: str) -> bool:
    """Compare a code in constant time; as bytes, because ``compare_digest`` raises on text that is not ASCII."""
    expected = code_for(challenge)
    return expected is not None and hmac.compare_digest(expected.encode(), code.encode())
