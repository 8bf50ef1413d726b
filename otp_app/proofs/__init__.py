"""Take the proof of a factor in a sign-in, a confirmation or the admin, and write down what became of it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from .. import accounts, audit, factors, staff
from ..accounts import events
from ..challenges.policies import CHANGE_PHONE, OF_FACTORS
from ..conf import conf
from ..errors import SecondFactorRequired
from ..factors.passkeys import ClonedPasskey


def prove(
    user: Any,
    factor: Mapping[str, Any],
    *,
    client: str | None = None,
    request: HttpRequest | None = None,
    bound_to: str = "",
) -> bool:
    """Return whether ``factor``, with the members ``by`` and ``answer``, proves the user. Raise Limited.

    ``bound_to`` is as in :mod:`..factors`.
    """
    with audit.recording_refusals(accounts.phone_of(user), client, None, request=request):
        try:
            is_right = factors.prove(user, factor["by"], factor["answer"], bound_to)
        except ClonedPasskey as refused:
            events.record(refused.user, events.Kind.PASSKEY_CLONED, request)
            is_right = False
    audit.record_factor(factor["by"] if is_right else "failed", user.pk, client)
    if is_right and factor["by"] == factors.RECOVERY_CODE:
        events.record(user, events.Kind.RECOVERY_CODE_USED, request)
    return is_right


def require(user: Any, factor: Mapping[str, Any] | None, **told: Any) -> bool:
    """Prove the factor that came along with a code, and return whether one did; ``told`` goes on to ``prove``.

    Raise SecondFactorRequired if it is wrong, or as ``require_more_than_code`` does if none came; or Limited.
    """
    if not factor:
        require_more_than_code(user)
        return False
    if not prove(user, factor, **told):
        raise SecondFactorRequired(factors.offered(user), {"factor": [_("This is wrong, or it was used already.")]})
    return True


def require_more_than_code(user: Any, purpose: str = "") -> None:
    """Raise SecondFactorRequired where a code alone does not do: OTP_CODE_ALONE is off, and the user has a factor.

    A code alone never changes the factors or the number of staff, because whoever has stolen the number would then need
    only the password.
    """
    if purpose in {CHANGE_PHONE, *OF_FACTORS} and staff.is_guarded(user):
        raise SecondFactorRequired(factors.offered(user))
    if not conf.CODE_ALONE and factors.is_protected(user):
        raise SecondFactorRequired(factors.offered(user))
