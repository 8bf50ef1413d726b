"""Confirm by a code to a number of the user, the first or the second, or by a factor, that it is the same person.

A confirmation is for one purpose and context.

::

    send ──── confirmations.begin ── services.send_code ──── the message shows the context
    begin ─── confirmations.begin ── no message: a factor will answer
    verify ── confirmations.open_for ─┬─ services.verify_code ──────────────┬─ confirmations.confirm: a value, used once
                                      └─ confirmations.spend_check ─ proofs ─┘

Pass all arguments by keyword; call none of them inside a transaction, as in :mod:`..services`.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from .. import accounts, factors, proofs, services, stores
from ..accounts import confirmations, contexts, number_changes, recoveries, second_phones
from ..accounts.confirmations import CODE, SECOND_PHONE
from ..challenges import Grant, random_id
from ..challenges.policies import confirmable, is_of_account, policy_for
from ..errors import InvalidOrExpiredCode, InvalidRequest, NumberTooNew, OtpError, Unavailable
from ..limits import request_limits
from ..models import Confirmation
from ..providers.base import Channel


def send(
    *, user: Any, purpose: str, context: Mapping[str, Any], by: str = CODE, new_id: str = "", **asked: Any
) -> Grant:
    """Send a code to the number of ``user``, or ``by`` the ``second_phone``, by a message that shows the context.

    It goes by SMS, because what other channels show is mostly a fixed template without a context. ``asked`` goes on to
    ``services.send_code``: client, language, device, proof and request. Raise what that raises; InvalidRequest for
    an unknown purpose, a context that is not plain, or a user without that phone; SecondFactorRequired where a code
    alone does not do; or NumberTooNew for a purpose of ours within a day after that number became the user's.
    """
    _require_declared(purpose)
    text, phone = contexts.encoded(context), _number_of(user, by)
    if not phone:
        raise InvalidRequest(_no_number(by))
    proofs.require_more_than_code(user, purpose)
    _require_old_enough(user, purpose, by)
    challenge_id = confirmations.begin(user, purpose, text, new_id or random_id(), by)
    try:
        return services.send_code(phone=phone, purpose=purpose, channel=Channel.SMS, new_id=challenge_id, **asked)
    except OtpError as refused:
        if not isinstance(refused, Unavailable):  # then a message may go out all the same
            confirmations.forget(challenge_id)
        raise


def begin(*, user: Any, purpose: str, context: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Begin a confirmation that the factor ``by`` shall answer; send nothing.

    Return ``challenge_id``, ``expires_in`` in seconds, and what the client needs for the answer. Raise InvalidRequest
    for an unknown purpose, a context that is not plain, or a factor that the user does not have; or Limited, because
    each writes a row and no message bounds them.
    """
    _require_declared(purpose)
    text = contexts.encoded(context)
    if not factors.is_held(user, by):
        raise InvalidRequest({"by": [_("Your account has no such second factor.")]})
    stores.current().take(request_limits.for_confirmation(f"user {user.pk}"))
    challenge_id = confirmations.begin(user, purpose, text, random_id(), by)
    offer = factors.offer(user, by, challenge_id)
    return {**offer, "challenge_id": challenge_id, "expires_in": policy_for(purpose).ttl}


def verify(
    *,
    user: Any,
    challenge_id: str,
    code: str = "",
    factor: Mapping[str, Any] | None = None,
    client: str | None = None,
    device: str | None = None,
    request: HttpRequest | None = None,
) -> str:
    """Verify the code or the factor and return a value that ``accounts.confirmations.use`` takes once, within 600 s.

    Raise InvalidRequest for a code of another form, before a check is spent; InvalidOrExpiredCode, also for a challenge
    of another user, of a sign-in, or one that was answered already; or Limited.
    """
    row = confirmations.open_for(user, challenge_id)
    if factor:
        _verify_factor(row, user, factor, client, request)
        return _confirm(row, user, request)
    length = policy_for(row.purpose).length
    if not re.fullmatch(f"[0-9]{{{length}}}", code):
        raise InvalidRequest({"otp": [_("This must be {length} digits.").format(length=length)]})
    named = {"client": client, "challenge_id": challenge_id, "device": device}
    services.verify_code(phone=_number_of(user, row.by), code=code, purpose=row.purpose, **named)
    return _confirm(row, user, request)


def _confirm(row: Confirmation, user: Any, request: HttpRequest | None) -> str:
    """Return the value. Whoever confirms something is in the account, so nobody needs the way back by e-mail."""
    recoveries.end_all(user, recoveries.BY_USE, request)
    return confirmations.confirm(row)


def _number_of(user: Any, by: str) -> str:
    """Return the number that a code of a confirmation goes to; empty if the user has none."""
    return second_phones.of(user) if by == SECOND_PHONE else accounts.phone_of(user)


def _no_number(by: str) -> dict[str, list[str]]:
    if by == SECOND_PHONE:
        return {"by": [_("Your account has no second phone number.")]}
    return {"phone": [_("Your account has no phone number.")]}


def _require_old_enough(user: Any, purpose: str, by: str) -> None:
    """Raise NumberTooNew for a purpose of ours."""
    second = by == SECOND_PHONE
    seconds_new = second_phones.seconds_new if second else number_changes.seconds_new
    if is_of_account(purpose) and (wait := seconds_new(user, purpose)):
        raise NumberTooNew(purpose, wait, second=second)


def _verify_factor(
    row: Confirmation, user: Any, factor: Mapping[str, Any], client: str | None, request: HttpRequest | None
) -> None:
    """Spend a check of a confirmation that was begun for this factor, and prove it. Raise InvalidOrExpiredCode."""
    if factor["by"] != row.by:
        raise InvalidOrExpiredCode
    confirmations.spend_check(row)
    if not proofs.prove(user, factor, client=client, request=request, bound_to=row.challenge.hex):
        raise InvalidOrExpiredCode


def _require_declared(purpose: str) -> None:
    if purpose not in confirmable():
        raise InvalidRequest({"purpose": [_("This purpose is unknown.")]})
