"""Name everything that can go wrong, as one tree of exceptions.

::

    OtpError                       has code, status, detail (translated) and, where it helps, retry_after in seconds
    ├── InvalidRequest             400 invalid_request          the shape of the request; errors says where
    │   ├── ChannelNotOffered                                   no route has that channel for that number
    │   └── InvalidAuthorization                                a site's link to the page is not valid
    ├── InvalidPhone               400 invalid_phone            not a plain number that can receive texts
    ├── RegionNotAllowed           400 region_not_allowed       a good number of a country not served
    ├── UndeliverablePhone         400 undeliverable_phone      the provider says that the number gets no messages
    ├── InvalidOrExpiredCode       400 invalid_or_expired_code  wrong, expired, used, exhausted, unknown, deactivated
    ├── ProfileRequired            400 profile_required         the code is right; errors says what a new user must add
    ├── ConfirmationRequired       403 confirmation_required    confirm by a code first; purpose says for what
    ├── ErasureRefused             409 erasure_refused          the account cannot be deleted, by its project's rules
    ├── SecondFactorRequired       403 second_factor_required   the code is right; prove one of the factors in it, too
    ├── IsThisYou                  403 is_this_you              the code is right, the account idle; whose is it?
    ├── LastWayIn                  409 last_way_in              without this factor nobody could get into the account
    ├── NumberTooNew               403 number_too_new           the number changed within a day; purpose says what waits
    ├── RecoveryWaits              403 recovery_waits           the waiting period of a way back is not over
    ├── ProofRequired              403 proof_required           solve the proof of work in it and send it along
    ├── NotAuthenticated           401 not_authenticated        the token is missing, wrong, expired or ended
    │   ├── RefreshReused          401 refresh_reused           a refresh token came that another one has replaced
    │   └── SignInAgain            401 sign_in_again            the sign-in is older than max_age seconds
    ├── PhoneTaken                 409 phone_taken              another account's number, told to who has proven it
    ├── Limited                    429 limited                  a limit is reached; limit names it, for logs only
    ├── DeliveryFailed             503 delivery_failed          surely not sent; try again
    └── Unavailable                503 unavailable              the store cannot be reached
    InsideTransaction              a mistake of the calling program, never of a client
    WrongIsolation                 a mistake in the settings of the database
    UserNotCreated                 a mistake in the user model, which a client cannot correct by repeating its request
    UserNotChanged                 the same, about the change of a number

Each reason has a class of its own, so a caller never has to read a text to know what happened.
"""

from .accounts import (
    ConfirmationRequired,
    ErasureRefused,
    IsThisYou,
    LastWayIn,
    NotAuthenticated,
    NumberTooNew,
    PhoneTaken,
    RecoveryWaits,
    RefreshReused,
    SecondFactorRequired,
    SignInAgain,
)
from .base import (
    FAILED,
    OtpError,
    describe_duration,
    unlogged,
)
from .mistakes import (
    InsideTransaction,
    UserNotChanged,
    UserNotCreated,
    WrongIsolation,
)
from .requests import (
    UNREACHABLE,
    ChannelNotOffered,
    DeliveryFailed,
    InvalidAuthorization,
    InvalidOrExpiredCode,
    InvalidPhone,
    InvalidRequest,
    Limited,
    ProfileRequired,
    ProofRequired,
    RegionNotAllowed,
    Unavailable,
    UndeliverablePhone,
)

__all__ = [
    "FAILED",
    "UNREACHABLE",
    "ChannelNotOffered",
    "ConfirmationRequired",
    "DeliveryFailed",
    "ErasureRefused",
    "InsideTransaction",
    "InvalidAuthorization",
    "InvalidOrExpiredCode",
    "InvalidPhone",
    "InvalidRequest",
    "IsThisYou",
    "LastWayIn",
    "Limited",
    "NotAuthenticated",
    "NumberTooNew",
    "OtpError",
    "PhoneTaken",
    "ProfileRequired",
    "ProofRequired",
    "RecoveryWaits",
    "RefreshReused",
    "RegionNotAllowed",
    "SecondFactorRequired",
    "SignInAgain",
    "Unavailable",
    "UndeliverablePhone",
    "UserNotChanged",
    "UserNotCreated",
    "WrongIsolation",
    "describe_duration",
    "unlogged",
]
