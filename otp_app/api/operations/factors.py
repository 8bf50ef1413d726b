"""Describe the operations of factors beside the code: authenticator, recovery codes, e-mail address, passkeys."""

from ... import errors
from ...challenges.policies import ADD_PASSKEY, REMOVE_PASSKEY
from ...factors.passkeys import TOO_MANY
from .. import emails, factors, passkeys, problems, views
from .base import (
    BODY_ERRORS,
    CONFIRMED,
    CREDENTIAL,
    ID,
    KNOWN,
    MISSING,
    NO_EMAIL,
    OPTIONS,
    PASSKEY,
    REQUIRED,
    TEN,
    TOKEN_ERRORS,
    VERIFIED,
    Operation,
)

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
    (*TOKEN_ERRORS, errors.ConfirmationRequired("add_authenticator"), problems.NotFound()),
    headers=CONFIRMED,
)
_REMOVE_AUTHENTICATOR = Operation(
    "remove_authenticator",
    "Remove the authenticator, with a confirmation of remove_authenticator",
    None,
    (204, "", None),
    (*TOKEN_ERRORS, errors.ConfirmationRequired("remove_authenticator"), problems.NotFound(), errors.LastWayIn()),
    headers=CONFIRMED,
)
_ADD_EMAIL = Operation(
    "add_email",
    "Send a code to an e-mail address, with a confirmation of add_email",
    {"email": "person@example.com"},
    (200, "OtpEmailSent", {"challenge_id": ID, "expires_in": 600}),
    (
        NO_EMAIL,
        errors.NotAuthenticated(),
        errors.ConfirmationRequired("add_email"),
        *BODY_ERRORS,
        errors.Limited("", 60),
        errors.DeliveryFailed(),
        errors.Unavailable(),
    ),
    headers=CONFIRMED,
)
_REMOVE_EMAIL = Operation(
    "remove_email",
    "Remove the e-mail address, with a confirmation of remove_email",
    None,
    (204, "", None),
    (*TOKEN_ERRORS, errors.ConfirmationRequired("remove_email"), problems.NotFound()),
    headers=CONFIRMED,
)

OPERATIONS: dict[type[views.OtpView], Operation] = {
    factors.AuthenticatorVerifyView: Operation(
        "verify_authenticator",
        "Add the authenticator that was begun, by a code that it shows, and get recovery codes",
        {"code": "123456"},
        (200, "OtpRecoveryCodes", TEN),
        (
            MISSING,
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            *BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    factors.AuthenticatorView: Operation(
        "authenticator",
        "Show whether this user has an authenticator, and how many recovery codes are left",
        None,
        (200, "OtpFactors", {"added_at": "2026-03-01T08:30:00Z", "recovery_codes_left": 10}),
        TOKEN_ERRORS,
        others={"POST": _BEGIN_AUTHENTICATOR, "DELETE": _REMOVE_AUTHENTICATOR},
    ),
    factors.RecoveryCodesView: Operation(
        "recovery_codes",
        "Get new recovery codes in place of the old ones, with a confirmation of recovery_codes",
        None,
        (200, "OtpRecoveryCodes", TEN),
        (*TOKEN_ERRORS, errors.ConfirmationRequired("recovery_codes"), problems.NotFound()),
        headers=CONFIRMED,
    ),
    emails.EmailVerifyView: Operation(
        "verify_email",
        "Verify the code that went to an e-mail address, which is then kept for notices",
        {"challenge_id": ID, "otp": "123456"},
        (200, "OtpEmail", {"email": "person@example.com"}),
        (MISSING, errors.InvalidOrExpiredCode(), errors.NotAuthenticated(), *BODY_ERRORS, errors.Unavailable()),
    ),
    emails.EmailView: Operation(
        "email",
        "Show the e-mail address of this user",
        None,
        (200, "OtpEmail", {"email": "person@example.com"}),
        TOKEN_ERRORS,
        others={"POST": _ADD_EMAIL, "DELETE": _REMOVE_EMAIL},
    ),
    passkeys.PasskeysView: Operation(
        "passkeys",
        "List the passkeys of this user, the oldest first",
        None,
        (200, "OtpPasskeys", {"passkeys": [PASSKEY]}),
        (*TOKEN_ERRORS, problems.NotFound()),
    ),
    passkeys.PasskeyBeginView: Operation(
        "passkey_begin",
        "Begin to add a passkey",
        None,
        (200, "OtpPasskeyOptions", OPTIONS),
        (
            errors.InvalidRequest({"passkeys": [TOO_MANY]}),
            errors.ConfirmationRequired(ADD_PASSKEY),
            *TOKEN_ERRORS,
            problems.NotFound(),
        ),
        headers=CONFIRMED,
    ),
    passkeys.PasskeyFinishView: Operation(
        "passkey_finish",
        "Add the passkey that the client has made",
        {"credential": CREDENTIAL, "name": "Firefox, Windows"},
        (200, "OtpPasskey", PASSKEY),
        (
            errors.InvalidRequest({"credential": [REQUIRED]}),
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            problems.NotFound(),
            *BODY_ERRORS,
            errors.Unavailable(),
        ),
    ),
    passkeys.PasskeySignInBeginView: Operation(
        "passkey_sign_in_begin",
        "Begin to sign in by a passkey",
        None,
        (200, "OtpPasskeyOptions", OPTIONS),
        (problems.NotFound(), problems.MethodNotAllowed()),
    ),
    passkeys.PasskeySignInFinishView: Operation(
        "passkey_sign_in_finish",
        "Sign in by a passkey and get a token",
        {"credential": CREDENTIAL},
        (200, "OtpSignedIn", {name: VERIFIED[name] for name in ("token", "expires_in", "device")} | {"user": KNOWN}),
        (
            errors.InvalidRequest({"credential": [REQUIRED]}),
            errors.InvalidOrExpiredCode(),
            problems.NotFound(),
            *BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    passkeys.PasskeyView: Operation(
        "remove_passkey",
        "Remove one passkey of this user",
        None,
        (204, "", None),
        (errors.ConfirmationRequired(REMOVE_PASSKEY), *TOKEN_ERRORS, problems.NotFound(), errors.LastWayIn()),
        headers=CONFIRMED,
    ),
}
