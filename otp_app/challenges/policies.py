"""Hold the numbers for each purpose: length and life of a code, checks, sends."""

from dataclasses import dataclass, replace

from ..conf import conf

MAX_TTL_SECONDS = 600  # the longest that NIST SP 800-63B-4 §3.1.3.2 allows for a code by telephone
LOGIN = "login"
CHANGE_PHONE = "change_phone"
NEW_PHONE = "new_phone"  # proves a number that a signed-in person has not got yet
DELETE_ACCOUNT = "delete_account"
ADD_AUTHENTICATOR = "add_authenticator"
REMOVE_AUTHENTICATOR = "remove_authenticator"
RECOVERY_CODES = "recovery_codes"
ADD_EMAIL = "add_email"
REMOVE_EMAIL = "remove_email"
ADD_SECOND_PHONE = "add_second_phone"
REMOVE_SECOND_PHONE = "remove_second_phone"
ADD_PASSKEY = "add_passkey"
REMOVE_PASSKEY = "remove_passkey"
OF_FACTORS = {  # purposes for which a code alone never does where its user is staff
    ADD_AUTHENTICATOR,
    REMOVE_AUTHENTICATOR,
    RECOVERY_CODES,
    ADD_PASSKEY,
    REMOVE_PASSKEY,
}
_CONFIRMABLE = {  # without being declared
    CHANGE_PHONE,
    DELETE_ACCOUNT,
    *OF_FACTORS,
    ADD_EMAIL,
    REMOVE_EMAIL,
    ADD_SECOND_PHONE,
    REMOVE_SECOND_PHONE,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Hold what a challenge of one purpose grants."""

    length: int  # digits of the code
    ttl: int  # seconds
    checks: int
    checks_by_phone: int  # of the checks, those open to requests that name only the phone
    sends: int


def policy_for(purpose: str) -> Policy:
    """Return the policy of a purpose.

    Raise ValueError for an undeclared purpose, because a typo would otherwise open a way around the others' limits.
    """
    overrides = conf.POLICIES.get(purpose)
    if overrides is None and purpose not in {LOGIN, NEW_PHONE, *_CONFIRMABLE}:
        raise ValueError(f"unknown purpose {purpose!r}: declare it in OTP_POLICIES")
    base = Policy(conf.CODE_LENGTH, conf.TTL, conf.CHECKS, conf.CHECKS_BY_PHONE, conf.SENDS)
    return replace(base, **overrides) if overrides else base


def confirmable() -> set[str]:
    """Return the purposes that a person may confirm something for: ours, and all declared ones but the sign-in."""
    return {*_CONFIRMABLE, *conf.POLICIES} - {LOGIN, NEW_PHONE}


def is_of_account(purpose: str) -> bool:
    """Return whether a purpose is one of ours, by which a person could take the account away from its owner."""
    return purpose in _CONFIRMABLE


def extended_ttl(purpose: str) -> int:
    """Return the seconds that an extended challenge of a purpose lives."""
    return min(2 * policy_for(purpose).ttl, MAX_TTL_SECONDS)
