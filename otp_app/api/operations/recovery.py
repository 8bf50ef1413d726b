"""Describe the operations of the way back by e-mail."""

from ... import errors
from .. import idempotency, problems, recovery, views
from .base import (
    BODY_ERRORS,
    CODE_ERRORS,
    ID,
    KEY_DESCRIPTION,
    KEY_ERRORS,
    MISSING,
    PHONE,
    PHONE_ERRORS,
    PKCE,
    SENT,
    TASK,
    Operation,
)

_VALUE = PKCE["code"]
_WAITS = errors.RecoveryWaits(3600)

OPERATIONS: dict[type[views.OtpView], Operation] = {
    recovery.RecoveryView: Operation(
        "recovery",
        "Ask for the way back into an account by its e-mail address; the answer is the same for all",
        {"phone": PHONE, "email": "person@example.com"},
        (200, "OtpEmailSent", {"challenge_id": ID, "expires_in": 600}),
        (*PHONE_ERRORS, problems.NotFound(), *BODY_ERRORS, errors.Limited("", 60), errors.Unavailable()),
    ),
    recovery.RecoveryVerifyView: Operation(
        "recovery_verify",
        "Verify the code from the mail, which begins the waiting period",
        {"challenge_id": ID, "otp": "123456"},
        (200, "OtpRecovery", {"recovery": _VALUE, "retry_after": 259_200, "expires_in": 864_000}),
        (MISSING, errors.InvalidOrExpiredCode(), problems.NotFound(), *BODY_ERRORS, errors.Unavailable()),
    ),
    recovery.RecoveryPhoneView: Operation(
        "recovery_phone",
        "Send a code to the new number, after the waiting period; or with challenge_id the same code again",
        {"recovery": _VALUE, "phone": PHONE},
        (200, "OtpSent", SENT),
        (
            *CODE_ERRORS,
            *KEY_ERRORS,
            problems.NotFound(),
            _WAITS,
            errors.UndeliverablePhone(),
            errors.ProofRequired(TASK),
            errors.DeliveryFailed(),
        ),
        headers={idempotency.HEADER: KEY_DESCRIPTION},
    ),
    recovery.RecoveryPhoneVerifyView: Operation(
        "recovery_phone_verify",
        "Verify the code to the new number, which then is that of the account; nobody is signed in",
        {"recovery": _VALUE, "challenge_id": ID, "otp": "123456"},
        (200, "OtpRecovered", {"phone": PHONE}),
        (
            MISSING,
            errors.InvalidOrExpiredCode(),
            problems.NotFound(),
            _WAITS,
            errors.PhoneTaken(),
            *BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
}
