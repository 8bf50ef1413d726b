"""Keep what people prove themselves by beside the code: authenticators by TOTP, recovery codes, passkeys, e-mail.

::

    offered ── what a user can answer by ── prove: pay a check, compare, give the check back to whoever was right

The rooms of accounts and staff, confirmations, the API and the admin's page may call it. It knows users and tables, and
no request.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from .. import stores
from ..limits import request_limits
from . import authenticators, passkeys, recovery_codes

AUTHENTICATOR = "authenticator"
RECOVERY_CODE = "recovery_code"
PASSKEY = "passkey"

Result = TypeVar("Result")


class Factor(Protocol):
    """Prove users by one kind of factor. ``bound_to`` names what is proven, as the id of a confirmation's challenge."""

    def is_held(self, user: Any) -> bool:
        """Return whether a user has this factor."""

    def offer(self, user: Any, bound_to: str) -> dict[str, Any]:
        """Return what the client needs for the answer: nothing for what a person types."""

    def prove(self, user: Any, answer: Any, bound_to: str) -> bool:
        """Use an answer up, whatever JSON it is, and return whether it is right; of many at once one is."""


_FACTORS: dict[str, Factor] = {
    AUTHENTICATOR: authenticators,
    RECOVERY_CODE: recovery_codes,
    PASSKEY: passkeys,
}


def offered(user: Any, bound_to: str = "") -> list[dict[str, Any]]:
    """Return the factors that a user has, each as ``{"by": …}`` with what its client needs for the answer."""
    return [offer(user, by, bound_to) for by in _FACTORS if is_held(user, by)]


def offer(user: Any, by: str, bound_to: str = "") -> dict[str, Any]:
    """Return one of these factors."""
    return {"by": by, **_FACTORS[by].offer(user, bound_to)}


def is_held(user: Any, by: str) -> bool:
    """Return whether a user has this factor."""
    return by in _FACTORS and _FACTORS[by].is_held(user)


def is_protected(user: Any) -> bool:
    """Return whether a user has an authenticator or a passkey; recovery codes alone are no protection."""
    return any(is_held(user, by) for by in _FACTORS if by != RECOVERY_CODE)


def prove(user: Any, by: str, answer: Any, bound_to: str = "") -> bool:
    """Return whether an answer proves the user, which uses it up.

    Raise Limited, or ClonedPasskey. The answers of passkeys have no limit: nobody can guess a signature, and whoever
    has stolen a password or a token would use up the owner's tries.
    """
    if by == PASSKEY:
        return passkeys.prove(user, answer, bound_to)
    return by in _FACTORS and limited(user, partial(_FACTORS[by].prove, user, answer, bound_to))


def limited(user: Any, compare: Callable[[], Result]) -> Result:
    """Return what ``compare`` returns, which is false for a wrong answer.

    A check is paid before it is compared and given back if it was right, so an account has OTP_FACTORS_PER_ACCOUNT_DAY
    wrong answers a day, whatever the factor. Raise Limited, or what ``compare`` raises.
    """
    store = stores.current()
    increments = store.take(request_limits.for_factor(f"user {user.pk}"))
    if result := compare():
        store.give_back(increments)
    return result


def kind_of(code: str) -> str:
    """Return which factor a code that a person has typed is of, by its form."""
    return RECOVERY_CODE if recovery_codes.is_one(code) else AUTHENTICATOR
