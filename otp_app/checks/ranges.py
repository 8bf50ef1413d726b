"""Check the numbers: each in its range, and budgets that fit each other."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error

from ..challenges.policies import MAX_TTL_SECONDS
from ..conf import conf
from .types import register

# name: least, most. Sources stand in conf; 10 checks are the most NIST SP 800-63B-4 leaves room for.
MAX_NUMBER = 10**9  # of anything: what the databases can add up, and more than anybody needs
RANGES: dict[str, tuple[int, int]] = {
    "CODE_LENGTH": (6, 10),
    "TTL": (30, MAX_TTL_SECONDS),
    "CHECKS": (1, 10),
    "CHECKS_BY_PHONE": (0, 10),
    "SENDS": (1, 10),
    "SENDS_PER_PHONE_HOUR": (1, MAX_NUMBER),
    "SENDS_PER_PHONE_DAY": (1, MAX_NUMBER),
    "SENDS_OF_DEVICES_DAY": (1, MAX_NUMBER),
    "FAILURES_PER_PHONE_DAY": (1, MAX_NUMBER),
    "FAILURES_PER_PHONE_MONTH": (1, MAX_NUMBER),
    "FAILURES_OF_DEVICES_DAY": (1, MAX_NUMBER),
    "NOTIFICATIONS_PER_PHONE_DAY": (1, MAX_NUMBER),
    "SENDS_PER_CLIENT_HOUR": (1, MAX_NUMBER),
    "CHECKS_PER_CLIENT_HOUR": (1, MAX_NUMBER),
    "SITE_CLIENTS": (1, MAX_NUMBER),
    "UNCONVERTED_PER_PREFIX_DAY": (1, MAX_NUMBER),
    "SENDS_PER_PREFIX_DAY": (1, MAX_NUMBER),
    "UNCONVERTED_PER_SUBNET_DAY": (1, MAX_NUMBER),
    "UNCONVERTED_PER_NETWORK_DAY": (1, MAX_NUMBER),
    "UNCONVERTED_OF_STRANGERS_DAY": (1, MAX_NUMBER),
    "UNCONVERTED_PER_REGION_DAY": (1, MAX_NUMBER),
    "DEVICE_SENDS_PER_DAY": (1, MAX_NUMBER),
    "BUDGET_PER_DAY": (0, MAX_NUMBER),
    "PASSWORDS_PER_CLIENT_HOUR": (1, MAX_NUMBER),
    "PASSWORDS_PER_ACCOUNT_HOUR": (1, MAX_NUMBER),
    "FACTORS_PER_ACCOUNT_DAY": (1, MAX_NUMBER),
    "RECOVERY_WAIT": (0, 30 * 24 * 3600),
    "PROOF_COST": (1, 100_000),
    "PROOF_TTL": (60, 3600),
    "DEVICE_TTL": (60, MAX_NUMBER),
    "TRUSTED_PROXIES": (0, MAX_NUMBER),
    "PROVIDER_DEADLINE": (1, 60),
    "PROVIDER_CALLS": (1, MAX_NUMBER),
    "WRITE_BEHIND": (0, 5000),
    "LEASE": (15, 3600),
    "CIRCUIT_FAILURES": (1, MAX_NUMBER),
    "CIRCUIT_PERIOD": (1, 3600),
    "CIRCUIT_PAUSE": (1, 3600),
    "SUPPRESSION": (60, MAX_NUMBER),
    "REDIS_TIMEOUT": (1, 60),
    "AUTHORIZATION_TTL": (10, 600),
    "TOKEN_TTL": (60, MAX_NUMBER),
    "TOKEN_IDLE": (60, MAX_NUMBER),
    "MAX_SESSIONS": (0, MAX_NUMBER),
    "TOKEN_RENEWED_FOR": (0, MAX_NUMBER),
    "JWT_TTL": (60, 3600),
    "JWT_KEY_LEAD": (0, MAX_NUMBER),
    "REFRESH_GRACE": (1, 300),
    "DORMANT_DAYS": (0, 36_500),
    "LINE_CHECK_IDLE_DAYS": (0, 36_500),
    "LINE_CHECK_DAYS": (1, 30),
}
POLICY_NUMBERS = {
    "length": "CODE_LENGTH",
    "ttl": "TTL",
    "checks": "CHECKS",
    "checks_by_phone": "CHECKS_BY_PHONE",
    "sends": "SENDS",
}
_LEAST_RECOVERY_WAIT = 24 * 3600
RESERVES = ("FAILURES_PER_PHONE_DAY", "FAILURES_PER_PHONE_MONTH", "FAILURES_OF_DEVICES_DAY")


@register()
def check_numbers(**_: Any) -> list[CheckMessage]:
    """Find a number out of its range, a short lease or a short recovery (E001).

    Find a budget smaller than one challenge needs (E002).
    """
    wrong = [*_out_of_range(), *_wrong_waits(), *_wrong_policies()]
    wrong = wrong or [*_too_short_lease(), *_too_short_recovery()]
    return wrong or list(_too_small_budgets())


def _out_of_range() -> Iterator[CheckMessage]:
    for name, (least, most) in RANGES.items():
        value = getattr(conf, name)
        if _outside(value, least, most):
            hint = "Write a whole number of that range; docs/settings.md has all ranges."
            text = f"OTP_{name} is {value!r}; it must be a number from {least} to {most}."
            yield Error(text, hint=hint, id="otp_app.E001")


def _outside(value: Any, least: int, most: int) -> bool:
    return type(value) is not int or value < least or value > most


def _too_short_lease() -> Iterator[CheckMessage]:
    if conf.LEASE <= conf.PROVIDER_DEADLINE:
        text = "OTP_LEASE is not longer than OTP_PROVIDER_DEADLINE: hand-overs under way would be given up."
        yield Error(text, hint="Make OTP_LEASE longer, or the deadline shorter.", id="otp_app.E001")


def _too_short_recovery() -> Iterator[CheckMessage]:
    if 0 < conf.RECOVERY_WAIT < _LEAST_RECOVERY_WAIT:
        text = "OTP_RECOVERY_WAIT is shorter than a day: the owner of an account would hardly learn of it in time."
        yield Error(text, hint="Make it longer, or set it to 0 for no way back by e-mail.", id="otp_app.E001")


def _wrong_waits() -> Iterator[CheckMessage]:
    if not all(type(step) is int and step >= 0 for step in conf.WAITS):
        hint = "Write the seconds after the first, second and later sends, as [60, 120, 300]."
        yield Error("OTP_WAITS must be whole numbers of seconds, none below 0.", hint=hint, id="otp_app.E001")


def _wrong_policies() -> Iterator[CheckMessage]:
    # A column holds the purpose, and the names of templates have it.
    if not all(re.fullmatch("[A-Za-z0-9_-]{1,32}", purpose) for purpose in conf.POLICIES):
        text = "OTP_POLICIES must hold mappings by purposes, which are 1 to 32 letters, digits, - and _."
        yield Error(text, hint='Write {"payment": {}}, or {"payment": {"ttl": 120}}.', id="otp_app.E001")
        return
    for purpose, numbers in conf.POLICIES.items():
        for name, value in numbers.items():
            least, most = RANGES.get(POLICY_NUMBERS.get(name, ""), (1, 0))
            if _outside(value, least, most):
                text = f"OTP_POLICIES[{purpose!r}]: {name!r} is unknown or {value!r} is out of its range."
                hint = f"A purpose may have {', '.join(POLICY_NUMBERS)}, each in the range of its setting."
                yield Error(text, hint=hint, id="otp_app.E001")


def _most_checks() -> int:
    return max([conf.CHECKS, *(numbers.get("checks", 0) for numbers in conf.POLICIES.values())])


def _too_small_budgets() -> Iterator[CheckMessage]:
    for name in RESERVES:
        if getattr(conf, name) < _most_checks():
            hint = "Raise it: a challenge reserves all its checks when it opens, so no code could ever be sent."
            yield Error(f"OTP_{name} is smaller than OTP_CHECKS.", hint=hint, id="otp_app.E002")
