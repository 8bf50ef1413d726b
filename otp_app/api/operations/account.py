"""Describe what a signed-in person does with the account: confirmations, data, number, sessions."""

from ... import errors
from ...challenges.policies import ADD_SECOND_PHONE, CHANGE_PHONE, REMOVE_SECOND_PHONE
from .. import confirmations, idempotency, me, number_changes, problems, second_phones, sessions, views
from .base import (
    BODY_ERRORS,
    CODE_ERRORS,
    CONFIRMED,
    EVENT,
    ID,
    KEY_DESCRIPTION,
    KEY_ERRORS,
    MISSING,
    PHONE,
    PKCE,
    REQUIRED,
    SECOND_FACTOR,
    SENT,
    SESSION,
    TASK,
    TOKEN_ERRORS,
    UNKNOWN,
    USER,
    VERIFIED,
    Operation,
)

_CHANGE = Operation(
    "change_me",
    "Change what the user may change of the account",
    {},
    (200, "OtpMe", USER),
    (errors.InvalidRequest({"phone": [UNKNOWN]}), errors.NotAuthenticated(), *BODY_ERRORS, errors.Unavailable()),
)
_ERASURE = Operation(
    "erase_me",
    "Delete the account, with a confirmation of delete_account",
    None,
    (200, "OtpErased", {"message": "Account deleted", "kept": {"what": "A keyed hash of your number.", "days": 30}}),
    (
        *TOKEN_ERRORS,
        errors.ConfirmationRequired("delete_account"),
        errors.ErasureRefused(),
        errors.Limited("", 60),
    ),
    headers={confirmations.HEADER: "What /api/confirm/verify/ answered."},
)

_ADD_SECOND_PHONE = Operation(
    "add_second_phone",
    "Send a code to a second number of the user, or with challenge_id the same code again",
    {"phone": PHONE, "confirmation": PKCE["code"]},
    (200, "OtpSent", SENT),
    (
        *CODE_ERRORS,
        *KEY_ERRORS,
        errors.NotAuthenticated(),
        errors.ConfirmationRequired(ADD_SECOND_PHONE),
        errors.UndeliverablePhone(),
        errors.ProofRequired(TASK),
        errors.DeliveryFailed(),
    ),
    headers={idempotency.HEADER: KEY_DESCRIPTION},
)
_REMOVE_SECOND_PHONE = Operation(
    "remove_second_phone",
    "Remove the second number of the user, with a confirmation of remove_second_phone",
    None,
    (204, "", None),
    (*TOKEN_ERRORS, errors.ConfirmationRequired(REMOVE_SECOND_PHONE), problems.NotFound()),
    headers=CONFIRMED,
)

OPERATIONS: dict[type[views.OtpView], Operation] = {
    confirmations.ConfirmView: Operation(
        "confirm",
        "Send a code to the user's own number, or to the second, to confirm something; or begin one for a factor",
        {"purpose": "payment", "context": {"amount": "1 200 000 UZS", "payee": "Choyxona"}},
        (200, "OtpConfirming", {name: value for name, value in SENT.items() if name != "phone"}),
        (
            errors.InvalidRequest({"purpose": [REQUIRED]}),
            errors.RegionNotAllowed(),
            errors.UndeliverablePhone(),
            errors.NotAuthenticated(),
            SECOND_FACTOR,
            errors.NumberTooNew(CHANGE_PHONE, 3600),
            errors.ProofRequired(TASK),
            *BODY_ERRORS,
            *KEY_ERRORS,
            errors.Limited("", 60),
            errors.DeliveryFailed(),
            errors.Unavailable(),
        ),
        headers={idempotency.HEADER: KEY_DESCRIPTION},
    ),
    confirmations.ConfirmVerifyView: Operation(
        "confirm_verify",
        "Verify the code or the factor of a confirmation, and get a value that is used once",
        {"challenge_id": ID, "otp": "123456"},
        (200, "OtpConfirmed", {"confirmation": PKCE["code"], "expires_in": 600}),
        (
            MISSING,
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            *BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    me.MeView: Operation(
        "me",
        "Show the user of this token",
        None,
        (200, "OtpMe", USER),
        TOKEN_ERRORS,
        others={"PATCH": _CHANGE, "DELETE": _ERASURE},
    ),
    me.ExportView: Operation(
        "export",
        "Copy all that is kept of this user",
        None,
        (200, "OtpExport", {"user": USER, "events": [{"kind": "new_device", "at": SESSION["began_at"]}]}),
        TOKEN_ERRORS,
    ),
    me.EventsView: Operation(
        "events",
        "List what happened to the security of the account, the newest 100 first",
        None,
        (200, "OtpEvents", {"events": [EVENT]}),
        TOKEN_ERRORS,
    ),
    number_changes.PhoneView: Operation(
        "change_phone",
        "Send a code to a new number of the user, or with challenge_id the same code again",
        {"phone": PHONE, "confirmation": PKCE["code"]},
        (200, "OtpSent", SENT),
        (
            *CODE_ERRORS,
            *KEY_ERRORS,
            errors.NotAuthenticated(),
            errors.ConfirmationRequired(CHANGE_PHONE),
            errors.UndeliverablePhone(),
            errors.ProofRequired(TASK),
            errors.DeliveryFailed(),
        ),
        headers={idempotency.HEADER: KEY_DESCRIPTION},
    ),
    number_changes.PhoneVerifyView: Operation(
        "change_phone_verify",
        "Verify the code to the new number, and change the number of the user",
        {"challenge_id": ID, "otp": "123456"},
        (200, "OtpPhoneChanged", {"user": USER, "device": VERIFIED["device"]}),
        (
            MISSING,
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            errors.PhoneTaken(),
            *BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    second_phones.SecondPhoneView: Operation(
        "second_phone",
        "Show the second number of this user",
        None,
        (200, "OtpSecondPhone", {"phone": PHONE}),
        TOKEN_ERRORS,
        others={"POST": _ADD_SECOND_PHONE, "DELETE": _REMOVE_SECOND_PHONE},
    ),
    second_phones.SecondPhoneVerifyView: Operation(
        "second_phone_verify",
        "Verify the code to a second number, and keep that number in place of the second one of before",
        {"challenge_id": ID, "otp": "123456"},
        (200, "OtpSecondPhone", {"phone": PHONE}),
        (
            MISSING,
            errors.InvalidOrExpiredCode(),
            errors.NotAuthenticated(),
            errors.PhoneTaken(),
            *BODY_ERRORS,
            errors.Limited("", 60),
            errors.Unavailable(),
        ),
    ),
    sessions.SessionsView: Operation(
        "sessions",
        "List the sessions of this user, the newest first",
        None,
        (200, "OtpSessions", {"sessions": [SESSION]}),
        TOKEN_ERRORS,
    ),
    sessions.SessionView: Operation(
        "end_session", "End one session of this user", None, (204, "", None), (*TOKEN_ERRORS, problems.NotFound())
    ),
    sessions.EndOthersView: Operation(
        "end_other_sessions", "End all sessions of this user but this one", None, (204, "", None), TOKEN_ERRORS
    ),
}
