"""Make and verify proofs of work, which suspect requests solve, in the form of ALTCHA, version 2.

PBKDF2 is built into browsers, so it costs an attacker's machine as much as a visitor's; a plain hash is many times
faster outside of a browser. The server derives at most one key for a solution, and none for a task that it did not
sign.

The module verifies solutions itself, by the store's clock and with strict types: ALTCHA's function does neither.
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

MAX_CHARACTERS = 2048
UNABLE = "none"  # in place of a proof: the client cannot solve a task
_ALGORITHM = "PBKDF2/SHA-256"
_KEY_PREFIX = "00"  # one byte: on average one key of 256 begins with it
_COUNTERS = 2**32  # a counter has four bytes
# The signed parameters and their types: a task with others is not ours.
_PARAMETER_TYPES = {
    "algorithm": str,
    "cost": int,
    "expiresAt": int,
    "keyLength": int,
    "keyPrefix": str,
    "nonce": str,
    "salt": str,
}


def make_task() -> dict[str, Any]:
    """Make a task that is valid for OTP_PROOF_TTL seconds, as the ALTCHA widget takes it."""
    expires_at = clock.milliseconds() // 1000 + conf.PROOF_TTL
    made = altcha.create_challenge(
        _ALGORITHM,
        conf.PROOF_COST,
        key_prefix=_KEY_PREFIX,
        expires_at=expires_at,
        hmac_secret=keys_for("proof")[0],
    )
    return made.to_dict()


def name_of(proof: str | None) -> str:
    """Return the name of the task that a proof solves; "" if the proof is wrong, late or not ours.

    A right proof stays right until its task expires, so the store remembers the name and accepts it once. The name is
    signed with the task, so another spelling or a second solution of the task has the same name.
    """
    if not proof or len(proof) > MAX_CHARACTERS:
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
    """Return whether we signed this task."""
    if not isinstance(parameters, dict):
        return False
    if {name: type(value) for name, value in parameters.items()} != _PARAMETER_TYPES:
        return False
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":")).encode()
    return any(_same(hmac.digest(key, text, hashlib.sha256).hex(), signature) for key in keys_for("proof"))


def _is_solved(parameters: dict[str, Any], counter: Any, key: Any) -> bool:
    """Return whether a solution is right; cheap tests come first, because deriving the key is expensive."""
    if type(counter) is not int or not 0 <= counter < _COUNTERS:
        return False
    if not isinstance(key, str) or not key.startswith(parameters["keyPrefix"]):
        return False
    nonce, salt = bytes.fromhex(parameters["nonce"]), bytes.fromhex(parameters["salt"])
    password = nonce + counter.to_bytes(4, "big")
    derived = hashlib.pbkdf2_hmac("sha256", password, salt, parameters["cost"], parameters["keyLength"])
    return _same(derived.hex(), key)


def _same(ours: str, theirs: Any) -> bool:
    return isinstance(theirs, str) and theirs.isascii() and hmac.compare_digest(ours, theirs)
