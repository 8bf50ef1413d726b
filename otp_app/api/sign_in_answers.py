"""Answer a repeated verification under the same Idempotency-Key with the first answer, for a minute.

The answer holds a token, which must not be readable where it is kept. So it is encrypted under a key that only the
request has: it is derived from our secret and from the Idempotency-Key, the code and the phone, none of which is kept.
A process that dies between the sign-in and keeping the answer loses it, as without a key.

The extra ``crypto`` brings the library that encrypts. Where it is not installed, an Idempotency-Key changes nothing.
"""

import base64
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from .. import tokens
from ..errors import InvalidOrExpiredCode
from ..keys import keys_for, ledger_id
from ..person.erasure import KEPT_SIGN_IN
from . import idempotency
from .fields import Json

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEPT_MS = 60_000
_USE = KEPT_SIGN_IN


def answer_once(request: Request, phone: str, sign_in: Callable[[], Json]) -> Json:
    """Return the answer of ``sign_in``, or the one kept before. Sessions have no token to lose, so no key either.

    Raise InvalidRequest, IdempotencyKeyReused, RequestInProgress, or what ``sign_in`` raises.
    """
    key = idempotency.key_of(request)
    if key is None or tokens.current().ambient or find_spec("cryptography") is None:
        return sign_in()
    cipher = _cipher(key, request.data)
    # No challenge has this id: it names the phone, so that an erasure finds the answer.
    row = idempotency.acquire(request, key, _USE, ledger_id(_USE, phone))
    if row.answer is not None:
        return _decrypted(row.answer, cipher)
    try:
        answer = sign_in()
    except Exception:
        idempotency.release(row, sent_nothing=True)  # refused, or unknown: a code that is used up is refused again
        raise
    encoded = json.dumps(answer, cls=JSONEncoder).encode()  # the accounts show values that JSON has no type for
    with suppress(DatabaseError):  # the token is issued: the reply must not be lost for it
        idempotency.save(row, cipher.encrypt(encoded).decode(), idempotency.held_since(row) + KEPT_MS)
    return answer


def _cipher(key: str, body: Any) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    known = json.dumps([key, body["otp"], body["phone"]]).encode()
    derived = (hmac.digest(secret, known, "sha256") for secret in keys_for(_USE))
    return MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in derived])


def _decrypted(text: str, cipher: "MultiFernet") -> Json:
    """Decrypt a kept answer. Raise InvalidOrExpiredCode if our secret has been replaced meanwhile."""
    from cryptography.fernet import InvalidToken

    try:
        answer: Json = json.loads(cipher.decrypt(text))
    except InvalidToken:
        raise InvalidOrExpiredCode from None
    return answer
