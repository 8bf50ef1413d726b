"""Proofs of work: what a client solves that looks wrong, before it is refused. The form is ALTCHA's, version 2.

PBKDF2 because browsers have it built in: it costs an attacker's machine as much as a visitor's, which a plain hash,
many times faster outside of a browser, would not. The server derives one key at most for each solution it is shown,
and none for what it did not sign.

ALTCHA's own verification reads the machine's clock and believes the types of what it is given; ours does neither.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

import altcha

from ..conf import conf
from ..db import clock
from ..keys import keys_for

LONGEST = 2048  # characters
_ALGORITHM = "PBKDF2/SHA-256"
_PREFIX = "00"  # one byte: 256 keys on average until one begins like this
_MOST = 2**32  # counters
# Exactly these are signed: what else a client puts in, or in another type, is not ours.
_FORM = {
    "algorithm": str,
    "cost": int,
    "expiresAt": int,
    "keyLength": int,
    "keyPrefix": str,
    "nonce": str,
    "salt": str,
}


def task() -> dict[str, Any]:
    """A new one, for OTP_PROOF_TTL seconds, as the ALTCHA widget takes it."""
    expires_at = clock.milliseconds() // 1000 + conf.PROOF_TTL
    made = altcha.create_challenge(
        _ALGORITHM,
        conf.PROOF_COST,
        key_prefix=_PREFIX,
        expires_at=expires_at,
        hmac_secret=keys_for("proof")[0],
    )
    return made.to_dict()


def name_of(proof: str | None) -> str:
    """The name of a task that was solved in time; empty for anything else, which counts as no proof at all.

    A good proof stays good until its task expires: the store has to remember the name and take it once. The name is
    part of what was signed, so no other spelling or second solution of a task has another.
    """
    if not proof or len(proof) > LONGEST:
        return ""
    try:
        read = json.loads(base64.b64decode(proof))
        parameters, signature = read["challenge"]["parameters"], read["challenge"]["signature"]
        counter, key = read["solution"]["counter"], read["solution"]["derivedKey"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    if not _is_ours(parameters, signature) or parameters["expiresAt"] * 1000 < clock.milliseconds():
        return ""
    return str(parameters["nonce"]) if _is_solved(parameters, counter, key) else ""


def _is_ours(parameters: Any, signature: Any) -> bool:
    """Whether we signed this very task."""
    if not isinstance(parameters, dict) or {name: type(value) for name, value in parameters.items()} != _FORM:
        return False
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":")).encode()
    return any(_same(hmac.digest(key, text, hashlib.sha256).hex(), signature) for key in keys_for("proof"))


def _is_solved(parameters: dict[str, Any], counter: Any, key: Any) -> bool:
    """The one expensive step, so what can be seen without it is looked at first."""
    if type(counter) is not int or not 0 <= counter < _MOST:
        return False
    if not isinstance(key, str) or not key.startswith(parameters["keyPrefix"]):
        return False
    nonce, salt = bytes.fromhex(parameters["nonce"]), bytes.fromhex(parameters["salt"])
    password = nonce + counter.to_bytes(4, "big")
    derived = hashlib.pbkdf2_hmac("sha256", password, salt, parameters["cost"], parameters["keyLength"])
    return _same(derived.hex(), key)


def _same(ours: str, theirs: Any) -> bool:
    return isinstance(theirs, str) and theirs.isascii() and hmac.compare_digest(ours, theirs)
