"""The front door: send a code, verify it, sign in.

::

    send_code ── store.open ─────── queue.enqueue ── (deliveries.dispatch)      first send
              └─ store.spend_send ─┘                                            again, by challenge id
    sign_in ──── verify_code ────── accounts.user_for ── tokens.issue
                 └─ store.spend_check ── codes.matches ── store.close           spend, compare, close

All arguments are by keyword; each function returns a value or raises one ``OtpError``. None may be called inside a
transaction (``InsideTransaction``): its rollback would give spent checks back.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from . import accounts, codes, limits, queues, stores, tokens
from .challenges import Challenge, Grant, Status, is_id, random_id
from .errors import InvalidOrExpiredCode
from .policies import LOGIN, policy_for
from .signals import signed_in
from .tokens.base import Issued


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a sign-in gives."""

    user: Any
    is_new: bool
    issued: Issued


def send_code(
    *,
    phone: str,
    purpose: str = LOGIN,
    client: str | None = None,
    language: str = "en",
    channel: str = "sms",
    challenge_id: str | None = None,
) -> Grant:
    """Send a code to ``phone`` (E.164, from ``phones.parse``); with ``challenge_id``, the same code again.

    ``client`` is who asks, for the limits; None is not limited. Raises Limited, InvalidOrExpiredCode (an id that is not
    this phone's open challenge; nothing is charged), UndeliverablePhone or DeliveryFailed.
    """
    store = stores.current()
    if challenge_id is None:
        challenge = _new_challenge(phone, purpose, language, channel)
        grant = store.open(challenge, limits.for_send(client))
    else:
        _require_id(challenge_id)
        again = limits.for_send(client, again=True)
        grant = store.spend_send(phone, purpose, challenge_id, again, language=language, channel=channel)
    queues.current().enqueue(grant)
    return grant


def verify_code(
    *, phone: str, code: str, purpose: str = LOGIN, client: str | None = None, challenge_id: str | None = None
) -> Challenge:
    """Prove control of ``phone``; the approved challenge. Without an id, the phone's newest open challenge answers.

    The check is paid and committed before the code is looked at, then one caller closes the challenge.
    Raises InvalidOrExpiredCode, or Limited before anything is spent.
    """
    if challenge_id is not None:
        _require_id(challenge_id)
    store = stores.current()
    challenge = store.spend_check(phone, purpose, challenge_id, limits.for_check(client))
    if challenge is None or not codes.matches(challenge, code) or not store.close(challenge, Status.APPROVED):
        raise InvalidOrExpiredCode
    return challenge


def sign_in(
    *,
    phone: str,
    code: str,
    client: str | None = None,
    challenge_id: str | None = None,
    request: HttpRequest | None = None,
) -> SignIn:
    """Verify, find or create the user, issue a token. A deactivated user gets the error of a wrong code."""
    verify_code(phone=phone, code=code, client=client, challenge_id=challenge_id)
    user, is_new = accounts.user_for(phone)
    if not user.is_active:
        raise InvalidOrExpiredCode
    result = SignIn(user, is_new, tokens.current().issue(user, request))
    signed_in.send(sender=type(user), user=user, is_new=is_new)
    return result


def cancel(*, challenge_id: str) -> bool:
    """End a challenge before its time, as when the person gives up; whether it was still pending."""
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    return challenge is not None and store.close(challenge, Status.CANCELED)


def _new_challenge(phone: str, purpose: str, language: str, channel: str) -> Challenge:
    policy = policy_for(purpose)
    return Challenge(
        id=random_id(),
        nonce=random_id(),
        key_id=codes.current_key_id(),
        phone=phone,
        purpose=purpose,
        language=language,
        channel=channel,
        length=policy.length,
        ttl=policy.ttl,
        checks=policy.checks,
        checks_left=policy.checks,
        phone_checks_left=min(policy.checks, policy.checks_by_phone),
        sends_left=policy.sends,
    )


def _require_id(challenge_id: str) -> None:
    """What is no id of ours is the id of no challenge; the stores need not look."""
    if not is_id(challenge_id):
        raise InvalidOrExpiredCode
