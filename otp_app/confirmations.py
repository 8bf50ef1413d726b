"""Confirm by a code to the user's own number that it is still the same person, for one purpose and context.

::

    send ──── confirmations.begin ── services.send_code ──── the message shows the context
    verify ── confirmations.open_for ── services.verify_code ── confirmations.confirm: a value, used up once

Pass all arguments by keyword; call neither function inside a transaction, as in :mod:`.services`.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from . import accounts, services
from .accounts import confirmations, contexts, number_changes
from .challenges import Grant, random_id
from .challenges.policies import confirmable, is_of_account, policy_for
from .errors import InvalidRequest, NumberTooNew, OtpError, Unavailable
from .providers.base import Channel


def send(*, user: Any, purpose: str, context: Mapping[str, Any], new_id: str = "", **asked: Any) -> Grant:
    """Send a code to the number of ``user``, by a message that shows the context.

    It goes by SMS, because what other channels show is mostly a fixed template without a context. ``asked`` goes on to
    ``services.send_code``: client, language, device, proof and request. Raise what that raises, or InvalidRequest for
    an unknown purpose, a context that is not plain, or a user without a phone; or NumberTooNew for a purpose of ours
    within a day after a change of the number.
    """
    if purpose not in confirmable():
        raise InvalidRequest({"purpose": [_("This purpose is unknown.")]})
    text, phone = contexts.encoded(context), accounts.phone_of(user)
    if not phone:
        raise InvalidRequest({"phone": [_("Your account has no phone number.")]})
    if is_of_account(purpose) and (wait := number_changes.seconds_new(user)):
        raise NumberTooNew(purpose, wait)
    challenge_id = confirmations.begin(user, purpose, text, new_id or random_id())
    try:
        return services.send_code(phone=phone, purpose=purpose, channel=Channel.SMS, new_id=challenge_id, **asked)
    except OtpError as refused:
        if not isinstance(refused, Unavailable):  # then a message may go out all the same
            confirmations.forget(challenge_id)
        raise


def verify(*, user: Any, challenge_id: str, code: str, client: str | None = None, device: str | None = None) -> str:
    """Verify the code and return a value that ``accounts.confirmations.use`` takes once, within 600 s.

    Raise InvalidRequest for a code of another form, before a check is spent; InvalidOrExpiredCode, also for a challenge
    of another user, of a sign-in, or one that was answered already; or Limited.
    """
    row = confirmations.open_for(user, challenge_id)
    length = policy_for(row.purpose).length
    if not re.fullmatch(f"[0-9]{{{length}}}", code):
        raise InvalidRequest({"otp": [_("This must be {length} digits.").format(length=length)]})
    named = {"client": client, "challenge_id": challenge_id, "device": device}
    services.verify_code(phone=accounts.phone_of(user), code=code, purpose=row.purpose, **named)
    return confirmations.confirm(row)
