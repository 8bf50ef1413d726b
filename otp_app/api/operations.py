"""Describe each endpoint for the OpenAPI document, as far as its view and its serializer do not: one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import errors
from ..challenges.policies import CHANGE_PHONE
from . import confirmations, idempotency, number_changes, problems, serializers, sessions, views
from .serializers import Json

_PHONE = "+998901234567"
_ID = "3f2b8c0d9e4a4f6c8b1d7a5e2c9f0b36"


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


_NOT_TEXT: Any = serializers.TextField.default_error_messages["not_text"]  # lazy: translated for each reader
_PHONE_ERRORS = (errors.InvalidRequest({"phone": [_NOT_TEXT]}), errors.InvalidPhone(), errors.RegionNotAllowed())
_TASK = {
    "parameters": {
        "algorithm": "PBKDF2/SHA-256",
        "cost": 5000,
        "expiresAt": 1_767_225_600,
        "keyLength": 32,
        "keyPrefix": "00",
        "nonce": _ID,
        "salt": _ID[::-1],
    },
    "signature": 2 * _ID,
}
_BODY_ERRORS = (problems.MethodNotAllowed(), problems.TooLarge(), problems.UnsupportedMediaType())
_CODE_ERRORS = (
    *_PHONE_ERRORS,
    errors.InvalidOrExpiredCode(),
    *_BODY_ERRORS,
    errors.Limited("", 60),
    errors.Unavailable(),
)
_TOKEN_ERRORS = (errors.NotAuthenticated(), problems.MethodNotAllowed(), errors.Unavailable())
_KEY_DESCRIPTION = "A name that you choose for this request. The same request under it gets the first answer again."
_KEPT_A_MINUTE = "Kept for a minute. Without effect where a cookie is the proof or the server lacks the extra crypto."
_KEY_ERRORS = (problems.RequestInProgress(), problems.IdempotencyKeyReused())
_SENT = serializers.sent_answer(_ID, expires_in=300, resend_in=60) | {"phone": _PHONE}
_STATE = {
    "challenge_id": _ID,
    "state": "delivered",
    "channel": "sms",
    "channels": ["call", "telegram"],
    "checks_left": 5,
    "sends_left": 2,
    "expires_in": 280,
    "resend_in": 40,
    "switch_in": 40,
}
_VERIFIED = {
    "message": "OTP verified successfully",
    "token": "otp_q3Yw6mH0Vt8bZr1Xc5Lk9Nf2Jd7Sg4Pa0Ue6Wi3Oo8E",
    "expires_in": 2_592_000,
    "user": {"id": 42, "phone": _PHONE, "is_new": True},
    "device": "WyJjM2YyYjhjIiwiMWYwIiwxNzYzODU2MDAwMDAwXQ:1vMtqA:9dQ3vXk2Lr8Zb0Tn5Hy7Wc1Ge4Jm6Ps",
}
_NEXT = {
    "token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.9dQ3vXk2Lr8Zb0Tn5Hy7Wc1Ge4Jm6Ps",
    "expires_in": 600,
    "refresh_token": "otr_PyuMDZ5KT2yLHXpeLJ8LNgAAAAGq8dQ3vXk2Lr8Zb0Tn5Hy7Wc1Ge4Jm6PsAq3Yw6mH0Vt8bZr1Xc5Lk9Nf2Jd7",
}
_USER = {"id": 42, "phone": _PHONE}
_SESSION = {
    "id": _ID,
    "began_at": "2026-03-01T08:30:00Z",
    "used_at": "2026-03-09T17:05:00Z",
    "client": "Firefox, Windows",
    "network": "192.0.2.0/24",
    "current": True,
}
_REQUIRED: Any = serializers.TextField.default_error_messages["required"]
_MISSING = errors.InvalidRequest({"code": [_REQUIRED]})
_PKCE = {
    "code": "Rf3bq0yX8mTnV5kLw2sD9uJ7eHcGa1oZ4pIxQ6tYvNM",
    "code_verifier": "Yw7Qe2Zc5Vb8Nn1Mm4Kk7Jj0Hh3Gg6Ff9Dd2Ss5Aa8P",
}
_COUNTRY = {
    "region": "UZ",
    "name": "Uzbekistan",
    "calling_code": "+998",
    "channels": ["sms"],
    "example": "+998 91 234 56 78",
}
_CHALLENGE = {"challenge_id": "$response.body#/challenge_id"}
_SAME_PHONE = {"phone": "$request.body#/phone", **_CHALLENGE}
_AFTER_SEND = {
    "verify": {
        "operationId": "verify_otp",
        "requestBody": _SAME_PHONE,
        "description": "With the code as otp.",
    },
    "resend": {
        "operationId": "send_otp",
        "requestBody": _SAME_PHONE,
        "description": "After resend_in seconds.",
    },
    "state": {"operationId": "challenge", "parameters": _CHALLENGE},
}
OPERATIONS: dict[type[views.OtpView], Operation] = {
    views.CountriesView: Operation(
        "countries",
        "List the countries that are served, in the language of Accept-Language; may be kept for a day",
        None,
        (200, "OtpCountries", {"default": "UZ", "countries": [_COUNTRY]}),
        (problems.MethodNotAllowed(),),
    ),
    views.SendView: Operation(
        "send_otp",
        "Send a code, or with challenge_id the same code again",
        {"phone": _PHONE},
        (200, "OtpSent", _SENT),
        (
            *_CODE_ERRORS,
            *_KEY_ERRORS,
            errors.UndeliverablePhone(),
            errors.ProofRequired(_TASK),
            errors.DeliveryFailed(),
        ),
        headers={idempotency.HEADER: _KEY_DESCRIPTION},
        links=_AFTER_SEND,
    ),
    views.ChallengeView: Operation(
        "challenge",
        "Show the state of the message, and what is left of the challenge",
        None,
        (200, "OtpState", _STATE),
        (errors.InvalidOrExpiredCode(), problems.MethodNotAllowed(), errors.Unavailable()),
    ),
    views.VerifyView: Operation(
        "verify_otp",
        "Verify a code and get a token; the first code of a number creates its user",
        {"phone": _PHONE, "otp": "123456", "challenge_id": _ID},
        (200, "OtpVerified", _VERIFIED),
        (*_CODE_ERRORS, *_KEY_ERRORS, errors.ProfileRequired({"profile.name": [_REQUIRED]}), errors.PhoneTaken(3600)),
        headers={idempotency.HEADER: f"{_KEY_DESCRIPTION} {_KEPT_A_MINUTE}"},
    ),
    views.ExchangeView: Operation(
        "token",
        "Exchange the code that a person brought back from the hosted page for a token",
        {"client": "5f0c2a7be1d94c36", "redirect_uri": "https://shop.example/signed-in", **_PKCE},
        (200, "OtpToken", {name: _VERIFIED[name] for name in ("token", "expires_in")} | {"user": _USER}),
        (_MISSING, errors.InvalidOrExpiredCode(), *_BODY_ERRORS, errors.Unavailable()),
    ),
    views.RefreshView: Operation(
        "token_refresh",
        "Replace a refresh token and get a new token; where the token backend has refresh tokens",
        {"refresh_token": _NEXT["refresh_token"]},
        (200, "OtpRefreshed", _NEXT),
        (
            errors.InvalidRequest({"refresh_token": [_REQUIRED]}),
            errors.NotAuthenticated(),
            errors.RefreshReused(),
            *_BODY_ERRORS,
            errors.Unavailable(),
        ),
    ),
    confirmations.ConfirmView: Operation(
        "confirm",
        "Send a code to the user's own number, to confirm something",
        {"purpose": "payment", "context": {"amount": "1 200 000 UZS", "payee": "Korzinka"}},
        (200, "OtpConfirming", {name: value for name, value in _SENT.items() if name != "phone"}),
        (
            errors.InvalidRequest({"purpose": [_REQUIRED]}),
            errors.RegionNotAllowed(),
            errors.UndeliverablePhone(),
            errors.NotAuthenticated(),
            errors.NumberTooNew(CHANGE_PHONE, 3600),
            errors.ProofRequired(_TASK),
            *_BODY_ERRORS,
            *_KEY_ERRORS,
            errors.Limited("", 60),
            errors.DeliveryFailed(),
            errors.Unavailable(),
        ),
        headers={idempotency.HEADER: _KEY_DESCRIPTION},
    ),
    confirmations.ConfirmVerifyView: Operation(
        "confirm_verify",
        "Verify the code of a confirmation, and get a value that is used once",
        {"challenge_id": _ID, "otp": "123456"},
        (200, "OtpConfirmed", {"confirmation": _PKCE["code"], "expires_in": 600}),
        (
            _MISSING,
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            *_BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    number_changes.PhoneView: Operation(
        "change_phone",
        "Send a code to a new number of the user, or with challenge_id the same code again",
        {"phone": _PHONE, "confirmation": _PKCE["code"]},
        (200, "OtpSent", _SENT),
        (
            *_CODE_ERRORS,
            *_KEY_ERRORS,
            errors.NotAuthenticated(),
            errors.ConfirmationRequired(CHANGE_PHONE),
            errors.UndeliverablePhone(),
            errors.ProofRequired(_TASK),
            errors.DeliveryFailed(),
        ),
        headers={idempotency.HEADER: _KEY_DESCRIPTION},
    ),
    number_changes.PhoneVerifyView: Operation(
        "change_phone_verify",
        "Verify the code to the new number, and change the number of the user",
        {"challenge_id": _ID, "otp": "123456"},
        (200, "OtpPhoneChanged", {"user": _USER, "device": _VERIFIED["device"]}),
        (
            _MISSING,
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            errors.PhoneTaken(),
            *_BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    views.MeView: Operation("me", "Show the user of this token", None, (200, "OtpMe", _USER), _TOKEN_ERRORS),
    sessions.SessionsView: Operation(
        "sessions",
        "List the sessions of this user, the newest first",
        None,
        (200, "OtpSessions", {"sessions": [_SESSION]}),
        _TOKEN_ERRORS,
    ),
    sessions.SessionView: Operation(
        "end_session", "End one session of this user", None, (204, "", None), (*_TOKEN_ERRORS, problems.NotFound())
    ),
    sessions.EndOthersView: Operation(
        "end_other_sessions", "End all sessions of this user but this one", None, (204, "", None), _TOKEN_ERRORS
    ),
    views.LogoutView: Operation("logout", "End this token", None, (204, "", None), _TOKEN_ERRORS),
    views.LogoutEverywhereView: Operation(
        "logout_everywhere",
        "End all tokens of this user, and forget their devices",
        None,
        (204, "", None),
        _TOKEN_ERRORS,
    ),
}
