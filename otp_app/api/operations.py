"""Describe each endpoint for the OpenAPI document, as far as its view and its serializer do not: one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from .. import errors
from ..challenges.policies import ADD_PASSKEY, CHANGE_PHONE, REMOVE_PASSKEY
from ..factors.passkeys import TOO_MANY
from . import (
    confirmations,
    emails,
    factors,
    idempotency,
    me,
    number_changes,
    passkeys,
    problems,
    serializers,
    sessions,
    views,
)
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
    others: Mapping[str, "Operation"] = field(default_factory=dict)  # of the same view, by other methods


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
_KNOWN = _USER | {"is_new": False}
_SESSION = {
    "id": _ID,
    "began_at": "2026-03-01T08:30:00Z",
    "used_at": "2026-03-09T17:05:00Z",
    "client": "Firefox, Windows",
    "network": "192.0.2.0/24",
    "current": True,
}
_PASSKEY = {
    "id": _ID,
    "name": "Firefox, Windows",
    "backed_up": True,
    "created_at": "2026-03-01T08:30:00Z",
    "used_at": None,
}
_CREDENTIAL = {
    "id": "cGFzc2tleQ",
    "rawId": "cGFzc2tleQ",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": "AA"},
}
_OPTIONS = {"options": {"challenge": "Y2hhbGxlbmdl", "rpId": "example.com", "userVerification": "required"}}
_REQUIRED: Any = serializers.TextField.default_error_messages["required"]
_UNKNOWN: Any = _("This field is unknown.")
_PROFILE = errors.ProfileRequired({"profile.name": [_REQUIRED]})
_IS_THIS_YOU = errors.IsThisYou([{"by": "authenticator"}], 2021)
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
_EVENT = {
    "kind": "new_device",
    "text": "Somebody signed in on a device that was not known before.",
    "at": "2026-03-09T17:05:00Z",
    "client": "Firefox, Windows",
    "network": "192.0.2.0/24",
}
_CHANGE = Operation(
    "change_me",
    "Change what the user may change of the account",
    {},
    (200, "OtpMe", _USER),
    (errors.InvalidRequest({"phone": [_UNKNOWN]}), errors.NotAuthenticated(), *_BODY_ERRORS, errors.Unavailable()),
)
_ERASURE = Operation(
    "erase_me",
    "Delete the account, with a confirmation of delete_account",
    None,
    (200, "OtpErased", {"message": "Account deleted", "kept": {"what": "A keyed hash of your number.", "days": 30}}),
    (
        *_TOKEN_ERRORS,
        errors.ConfirmationRequired("delete_account"),
        errors.ErasureRefused(),
        errors.Limited("", 60),
    ),
    headers={confirmations.HEADER: "What /api/confirm/verify/ answered."},
)
_SECOND_FACTOR = errors.SecondFactorRequired([{"by": "authenticator"}, {"by": "recovery_code"}])
_CONFIRMED = {confirmations.HEADER: "What /api/confirm/verify/ answered."}
_BEGIN_AUTHENTICATOR = Operation(
    "add_authenticator",
    "Begin to add an authenticator, with a confirmation of add_authenticator",
    None,
    (
        200,
        "OtpAuthenticator",
        {
            "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "uri": "otpauth://totp/OTP:%2B998901234567?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=OTP",
            "expires_in": 600,
        },
    ),
    (*_TOKEN_ERRORS, errors.ConfirmationRequired("add_authenticator"), problems.NotFound()),
    headers=_CONFIRMED,
)
_REMOVE_AUTHENTICATOR = Operation(
    "remove_authenticator",
    "Remove the authenticator, with a confirmation of remove_authenticator",
    None,
    (204, "", None),
    (*_TOKEN_ERRORS, errors.ConfirmationRequired("remove_authenticator"), problems.NotFound(), errors.LastWayIn()),
    headers=_CONFIRMED,
)
_TEN = {"recovery_codes": ["0-k7wmq-3xbtz", "1-h2vrn-9dfga"]}
_NO_EMAIL = errors.InvalidRequest({"email": [_REQUIRED]})
_ADD_EMAIL = Operation(
    "add_email",
    "Send a code to an e-mail address, with a confirmation of add_email",
    {"email": "person@example.com"},
    (200, "OtpEmailSent", {"challenge_id": _ID, "expires_in": 600}),
    (
        _NO_EMAIL,
        errors.NotAuthenticated(),
        errors.ConfirmationRequired("add_email"),
        *_BODY_ERRORS,
        errors.Limited("", 60),
        errors.DeliveryFailed(),
        errors.Unavailable(),
    ),
    headers=_CONFIRMED,
)
_REMOVE_EMAIL = Operation(
    "remove_email",
    "Remove the e-mail address, with a confirmation of remove_email",
    None,
    (204, "", None),
    (*_TOKEN_ERRORS, errors.ConfirmationRequired("remove_email"), problems.NotFound()),
    headers=_CONFIRMED,
)
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
        (*_CODE_ERRORS, *_KEY_ERRORS, _PROFILE, _SECOND_FACTOR, _IS_THIS_YOU, errors.PhoneTaken(3600)),
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
        "Send a code to the user's own number, to confirm something; or begin one that a factor answers",
        {"purpose": "payment", "context": {"amount": "1 200 000 UZS", "payee": "Korzinka"}},
        (200, "OtpConfirming", {name: value for name, value in _SENT.items() if name != "phone"}),
        (
            errors.InvalidRequest({"purpose": [_REQUIRED]}),
            errors.RegionNotAllowed(),
            errors.UndeliverablePhone(),
            errors.NotAuthenticated(),
            _SECOND_FACTOR,
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
        "Verify the code or the factor of a confirmation, and get a value that is used once",
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
    me.MeView: Operation(
        "me",
        "Show the user of this token",
        None,
        (200, "OtpMe", _USER),
        _TOKEN_ERRORS,
        others={"PATCH": _CHANGE, "DELETE": _ERASURE},
    ),
    me.ExportView: Operation(
        "export",
        "Copy all that is kept of this user",
        None,
        (200, "OtpExport", {"user": _USER, "events": [{"kind": "new_device", "at": _SESSION["began_at"]}]}),
        _TOKEN_ERRORS,
    ),
    me.EventsView: Operation(
        "events",
        "List what happened to the security of the account, the newest 100 first",
        None,
        (200, "OtpEvents", {"events": [_EVENT]}),
        _TOKEN_ERRORS,
    ),
    factors.AuthenticatorVerifyView: Operation(
        "verify_authenticator",
        "Add the authenticator that was begun, by a code that it shows, and get recovery codes",
        {"code": "123456"},
        (200, "OtpRecoveryCodes", _TEN),
        (_MISSING, errors.InvalidOrExpiredCode(), errors.NotAuthenticated(), *_BODY_ERRORS, errors.Unavailable()),
    ),
    factors.AuthenticatorView: Operation(
        "authenticator",
        "Show whether this user has an authenticator, and how many recovery codes are left",
        None,
        (200, "OtpFactors", {"added_at": "2026-03-01T08:30:00Z", "recovery_codes_left": 10}),
        _TOKEN_ERRORS,
        others={"POST": _BEGIN_AUTHENTICATOR, "DELETE": _REMOVE_AUTHENTICATOR},
    ),
    factors.RecoveryCodesView: Operation(
        "recovery_codes",
        "Get new recovery codes in place of the old ones, with a confirmation of recovery_codes",
        None,
        (200, "OtpRecoveryCodes", _TEN),
        (*_TOKEN_ERRORS, errors.ConfirmationRequired("recovery_codes"), problems.NotFound()),
        headers=_CONFIRMED,
    ),
    emails.EmailVerifyView: Operation(
        "verify_email",
        "Verify the code that went to an e-mail address, which is then kept for notices",
        {"challenge_id": _ID, "otp": "123456"},
        (200, "OtpEmail", {"email": "person@example.com"}),
        (_MISSING, errors.InvalidOrExpiredCode(), errors.NotAuthenticated(), *_BODY_ERRORS, errors.Unavailable()),
    ),
    emails.EmailView: Operation(
        "email",
        "Show the e-mail address of this user",
        None,
        (200, "OtpEmail", {"email": "person@example.com"}),
        _TOKEN_ERRORS,
        others={"POST": _ADD_EMAIL, "DELETE": _REMOVE_EMAIL},
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
    passkeys.PasskeysView: Operation(
        "passkeys",
        "List the passkeys of this user, the oldest first",
        None,
        (200, "OtpPasskeys", {"passkeys": [_PASSKEY]}),
        (*_TOKEN_ERRORS, problems.NotFound()),
    ),
    passkeys.PasskeyBeginView: Operation(
        "passkey_begin",
        "Begin to add a passkey",
        None,
        (200, "OtpPasskeyOptions", _OPTIONS),
        (
            errors.InvalidRequest({"passkeys": [TOO_MANY]}),
            errors.ConfirmationRequired(ADD_PASSKEY),
            *_TOKEN_ERRORS,
            problems.NotFound(),
        ),
        headers=_CONFIRMED,
    ),
    passkeys.PasskeyFinishView: Operation(
        "passkey_finish",
        "Add the passkey that the client has made",
        {"credential": _CREDENTIAL, "name": "Firefox, Windows"},
        (200, "OtpPasskey", _PASSKEY),
        (
            errors.InvalidRequest({"credential": [_REQUIRED]}),
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            problems.NotFound(),
            *_BODY_ERRORS,
            errors.Unavailable(),
        ),
    ),
    passkeys.PasskeySignInBeginView: Operation(
        "passkey_sign_in_begin",
        "Begin to sign in by a passkey",
        None,
        (200, "OtpPasskeyOptions", _OPTIONS),
        (problems.NotFound(), problems.MethodNotAllowed()),
    ),
    passkeys.PasskeySignInFinishView: Operation(
        "passkey_sign_in_finish",
        "Sign in by a passkey and get a token",
        {"credential": _CREDENTIAL},
        (200, "OtpSignedIn", {name: _VERIFIED[name] for name in ("token", "expires_in", "device")} | {"user": _KNOWN}),
        (
            errors.InvalidRequest({"credential": [_REQUIRED]}),
            errors.InvalidOrExpiredCode(),
            problems.NotFound(),
            *_BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    passkeys.PasskeyView: Operation(
        "remove_passkey",
        "Remove one passkey of this user",
        None,
        (204, "", None),
        (errors.ConfirmationRequired(REMOVE_PASSKEY), *_TOKEN_ERRORS, problems.NotFound(), errors.LastWayIn()),
        headers=_CONFIRMED,
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
