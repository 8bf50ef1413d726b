"""Answer a repeated verification under the same Idempotency-Key with the first answer, for a minute.

The answer holds a token, which must not be readable where it is kept. So it is encrypted under a key that only the
request has: it is derived from our secret and from the Idempotency-Key, the code and the phone, none of which is kept.
A process that dies between the sign-in and keeping the answer loses it, as without a key.
"""

import base64
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import DatabaseError
from rest_framework.request import Request

from .. import tokens
from ..challenges import random_id
from ..errors import InvalidOrExpiredCode
from ..keys import keys_for
from . import idempotency
from .serializers import Json

KEPT_MS = 60_000
_USE = "kept sign-in"


def answer_once(request: Request, sign_in: Callable[[], Json]) -> Json:
    """Return the answer of ``sign_in``, or the one kept before. Sessions have no token to lose, so no key either.

    Raise InvalidRequest, IdempotencyKeyReused, RequestInProgress, or what ``sign_in`` raises.
    """
    key = idempotency.key_of(request)
    if key is None or tokens.current().ambient:
        return sign_in()
    body: Any = request.data
    cipher = _cipher(key, body)
    row = idempotency.acquire(request, key, _USE, random_id())
    if row.answer is not None:
        try:
            kept: Json = json.loads(cipher.decrypt(row.answer))
        except InvalidToken:  # our secret has been replaced meanwhile
            raise InvalidOrExpiredCode from None
        return kept
    try:
        answer = sign_in()
    except Exception:
        idempotency.release(row, sent_nothing=True)  # refused, or unknown: a code that is used up is refused again
        raise
    with suppress(DatabaseError):  # the token is issued: the reply must not be lost for it
        sealed = cipher.encrypt(json.dumps(answer).encode()).decode()
        idempotency.save(row, sealed, idempotency.held_since(row) + KEPT_MS)
    return answer


def _cipher(key: str, body: Json) -> MultiFernet:
    known = json.dumps([key, body["otp"], body["phone"]]).encode()
    derived = (hmac.digest(secret, known, "sha256") for secret in keys_for(_USE))
    return MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in derived])
