"""The frozen numbers for each purpose."""

from dataclasses import dataclass, replace

from ..conf import conf

LONGEST_TTL = 600  # seconds: the most NIST SP 800-63B-4 §3.1.3.2 leaves a code sent over the telephone network
LOGIN = "login"
CHANGE_PHONE = "change_phone"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a challenge of one purpose grants. Seconds and counts."""

    length: int
    ttl: int
    checks: int
    checks_by_phone: int
    sends: int


def policy_for(purpose: str) -> Policy:
    """The policy of a purpose. ValueError for a purpose nobody declared: a typo would otherwise open a new lane."""
    overrides = conf.POLICIES.get(purpose)
    if overrides is None and purpose not in (LOGIN, CHANGE_PHONE):
        raise ValueError(f"unknown purpose {purpose!r}: declare it in OTP_POLICIES")
    base = Policy(conf.CODE_LENGTH, conf.TTL, conf.CHECKS, conf.CHECKS_BY_PHONE, conf.SENDS)
    return replace(base, **overrides) if overrides else base


def longest(purpose: str) -> int:
    """Seconds that a challenge lives once its time was extended."""
    return min(2 * policy_for(purpose).ttl, LONGEST_TTL)
