"""Define what the schema tells of an operation, and the examples and errors that operations share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from ... import errors
from .. import confirmations, fields, problems, serializers
from ..fields import Json

PHONE = "+998901234567"
ID = "3f2b8c0d9e4a4f6c8b1d7a5e2c9f0b36"


@dataclass(frozen=True)
class Operation:
    """Describe one endpoint."""

    id: str
    summary: str
    request: Json | None  # an example; None: no body is read
    answer: tuple[int, str, Json | None]  # status, component, example
    refusals: tuple[errors.OtpError, ...]
    headers: Mapping[str, str] = field(default_factory=dict)  # optional request headers, each with its description
    links: Mapping[str, Json] = field(default_factory=dict)  # what may follow on success, as OpenAPI's Link Objects
    others: Mapping[str, "Operation"] = field(default_factory=dict)  # of the same view, by other methods


NOT_TEXT: Any = fields.TextField.default_error_messages["not_text"]  # lazy: translated for each reader
PHONE_ERRORS = (errors.InvalidRequest({"phone": [NOT_TEXT]}), errors.InvalidPhone(), errors.RegionNotAllowed())
TASK = {
    "parameters": {
        "algorithm": "PBKDF2/SHA-256",
        "cost": 5000,
        "expiresAt": 1_767_225_600,
        "keyLength": 32,
        "keyPrefix": "00",
        "nonce": ID,
        "salt": ID[::-1],
    },
    "signature": 2 * ID,
}
BODY_ERRORS = (problems.MethodNotAllowed(), problems.TooLarge(), problems.UnsupportedMediaType())
CODE_ERRORS = (
    *PHONE_ERRORS,
    errors.InvalidOrExpiredCode(),
    *BODY_ERRORS,
    errors.Limited("", 60),
    errors.Unavailable(),
)
TOKEN_ERRORS = (errors.NotAuthenticated(), problems.MethodNotAllowed(), errors.Unavailable())
KEY_DESCRIPTION = "A name that you choose for this request. The same request under it gets the first answer again."
KEPT_A_MINUTE = "Kept for a minute. Without effect where a cookie is the proof or the server lacks the extra crypto."
KEY_ERRORS = (problems.RequestInProgress(), problems.IdempotencyKeyReused())
SENT = serializers.sent_answer(ID, expires_in=300, resend_in=60) | {"phone": PHONE}
STATE = {
    "challenge_id": ID,
    "state": "delivered",
    "channel": "sms",
    "channels": ["call", "telegram"],
    "checks_left": 5,
    "sends_left": 2,
    "expires_in": 280,
    "resend_in": 40,
    "switch_in": 40,
}
VERIFIED = {
    "message": "OTP verified successfully",
    "token": "otp_q3Yw6mH0Vt8bZr1Xc5Lk9Nf2Jd7Sg4Pa0Ue6Wi3Oo8E",
    "expires_in": 2_592_000,
    "user": {"id": 42, "phone": PHONE, "is_new": True},
    "device": "WyJjM2YyYjhjIiwiMWYwIiwxNzYzODU2MDAwMDAwXQ:1vMtqA:9dQ3vXk2Lr8Zb0Tn5Hy7Wc1Ge4Jm6Ps",
}
NEXT = {
    "token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.9dQ3vXk2Lr8Zb0Tn5Hy7Wc1Ge4Jm6Ps",
    "expires_in": 600,
    "refresh_token": "otr_PyuMDZ5KT2yLHXpeLJ8LNgAAAAGq8dQ3vXk2Lr8Zb0Tn5Hy7Wc1Ge4Jm6PsAq3Yw6mH0Vt8bZr1Xc5Lk9Nf2Jd7",
}
USER = {"id": 42, "phone": PHONE}
KNOWN = USER | {"is_new": False}
SESSION = {
    "id": ID,
    "began_at": "2026-03-01T08:30:00Z",
    "used_at": "2026-03-09T17:05:00Z",
    "client": "Firefox, Windows",
    "network": "192.0.2.0/24",
    "current": True,
}
PASSKEY = {
    "id": ID,
    "name": "Firefox, Windows",
    "backed_up": True,
    "created_at": "2026-03-01T08:30:00Z",
    "used_at": None,
}
CREDENTIAL = {
    "id": "cGFzc2tleQ",
    "rawId": "cGFzc2tleQ",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": "AA"},
}
OPTIONS = {"options": {"challenge": "Y2hhbGxlbmdl", "rpId": "example.com", "userVerification": "required"}}
REQUIRED: Any = fields.TextField.default_error_messages["required"]
UNKNOWN: Any = _("This field is unknown.")
PROFILE = errors.ProfileRequired({"profile.name": [REQUIRED]})
IS_THIS_YOU = errors.IsThisYou([{"by": "authenticator"}], 2021)
MISSING = errors.InvalidRequest({"code": [REQUIRED]})
PKCE = {
    "code": "Rf3bq0yX8mTnV5kLw2sD9uJ7eHcGa1oZ4pIxQ6tYvNM",
    "code_verifier": "Yw7Qe2Zc5Vb8Nn1Mm4Kk7Jj0Hh3Gg6Ff9Dd2Ss5Aa8P",
}
COUNTRY = {
    "region": "UZ",
    "name": "Uzbekistan",
    "calling_code": "+998",
    "channels": ["sms"],
    "example": "+998 91 234 56 78",
}
CHALLENGE = {"challenge_id": "$response.body#/challenge_id"}
SAME_PHONE = {"phone": "$request.body#/phone", **CHALLENGE}
AFTER_SEND = {
    "verify": {
        "operationId": "verify_otp",
        "requestBody": SAME_PHONE,
        "description": "With the code as otp.",
    },
    "resend": {
        "operationId": "send_otp",
        "requestBody": SAME_PHONE,
        "description": "After resend_in seconds.",
    },
    "state": {"operationId": "challenge", "parameters": CHALLENGE},
}
EVENT = {
    "kind": "new_device",
    "text": "Somebody signed in on a device that was not known before.",
    "at": "2026-03-09T17:05:00Z",
    "client": "Firefox, Windows",
    "network": "192.0.2.0/24",
}
SECOND_FACTOR = errors.SecondFactorRequired([{"by": "authenticator"}, {"by": "recovery_code"}])
CONFIRMED = {confirmations.HEADER: "What /api/confirm/verify/ answered."}
TEN = {"recovery_codes": ["0-k7wmq-3xbtz", "1-h2vrn-9dfga"]}
NO_EMAIL = errors.InvalidRequest({"email": [REQUIRED]})
