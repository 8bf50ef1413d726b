"""The front door: send a code, verify it, sign in.

::

    send_code ── store.open ─────── queue.enqueue ── (deliveries.dispatch)      first send
              └─ store.spend_send ─┘                                            again, by challenge id
    sign_in ──── verify_code ────── accounts.user_for ── tokens.issue
                 └─ store.spend_check ── codes.matches ── store.close           spend, compare, close
    state ────── store.get ── reports.newest ── store.usage                     what became of the message

All arguments are by keyword; each function returns a value or raises one ``OtpError``. None may be called inside a
transaction (``InsideTransaction``): its rollback would give spent checks back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest

from . import (
    accounts,
    codes,
    demands,
    devices,
    faults,
    guard,
    proofs,
    queues,
    reports,
    routes,
    stores,
    testnumbers,
    tokens,
)
from .challenges import Challenge, Counts, Grant, State, Status, is_id, random_id
from .errors import ChannelNotOffered, InvalidOrExpiredCode, Limited, ProofRequired, RegionNotAllowed
from .models import Delivery
from .policies import LOGIN, policy_for
from .providers.base import Channel
from .signals import signed_in
from .tokens.base import Issued


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a sign-in gives."""

    user: Any
    is_new: bool
    issued: Issued
    device: str  # to be sent along from now on, so that strangers cannot use up this device's sends and checks


def send_code(
    *,
    phone: str,
    purpose: str = LOGIN,
    client: str | None = None,
    language: str = "en",
    channel: str = "",
    challenge_id: str | None = None,
    device: str | None = None,
    proof: str | None = None,
    new_id: str = "",
) -> Grant:
    """Send a code to ``phone`` (E.164, from ``phones.parse``); with ``challenge_id``, the same code again.

    ``channel`` "" is the first one on offer for the number, or the one of the send before. ``client`` is who asks, for
    the limits; None is not limited. ``device`` is what an earlier sign-in gave, ``proof`` the solved task of a
    ProofRequired, ``new_id`` (from ``random_id``) what a new challenge shall be called. Raises ProofRequired, Limited,
    ChannelNotOffered, RegionNotAllowed (no provider carries messages there), InvalidOrExpiredCode (an id that is not
    this phone's open challenge; nothing is charged), UndeliverablePhone or DeliveryFailed.
    """
    channel = _offered(phone, channel, first=challenge_id is None)
    known = devices.recognise(phone, device)
    demand = partial(
        demands.for_send, phone, client, device=known, proof=proofs.name_of(proof), test=testnumbers.is_one(phone)
    )
    store = stores.current()
    with _reporting(phone, client):
        if challenge_id is None:
            challenge = _new_challenge(new_id, phone, purpose, language, channel, known)
            grant = store.open(challenge, demand(checks=challenge.checks))
        else:
            _require_id(challenge_id)
            how = {"device": known, "language": language, "channel": channel}
            grant = store.spend_send(phone, purpose, challenge_id, demand(), **how)
    faults.point("send.committed")
    queues.current().enqueue(grant)
    faults.point("send.queued")
    return grant


def verify_code(
    *,
    phone: str,
    code: str,
    purpose: str = LOGIN,
    client: str | None = None,
    challenge_id: str | None = None,
    device: str | None = None,
) -> Challenge:
    """Prove control of ``phone``; the approved challenge.

    Without an id the newest open challenge of the device, or else of the phone, answers. The check is paid and
    committed before the code is looked at, then one caller closes the challenge. Raises InvalidOrExpiredCode, or
    Limited before anything is spent.
    """
    if challenge_id is not None:
        _require_id(challenge_id)
    store = stores.current()
    known = devices.recognise(phone, device)
    with _reporting(phone, client):
        # A known device pays by its phone's budget alone: what is counted of a client, its neighbours can use up.
        demand = demands.for_check(None if known else client)
        challenge = store.spend_check(phone, purpose, challenge_id, demand, device=known)
    if challenge is None:
        raise InvalidOrExpiredCode
    faults.point("check.spent")
    if not codes.matches(challenge, code):
        store.fail(challenge)
        raise InvalidOrExpiredCode
    if not store.close(challenge, Status.APPROVED):
        raise InvalidOrExpiredCode
    faults.point("challenge.closed")
    return challenge


def sign_in(
    *,
    phone: str,
    code: str,
    client: str | None = None,
    challenge_id: str | None = None,
    device: str | None = None,
    request: HttpRequest | None = None,
) -> SignIn:
    """Verify, find or create the user, issue a token. A deactivated user gets the error of a wrong code."""
    challenge = verify_code(phone=phone, code=code, client=client, challenge_id=challenge_id, device=device)
    user, is_new = accounts.user_for(phone)
    if not user.is_active or (testnumbers.is_one(phone) and accounts.is_staff(user)):
        raise InvalidOrExpiredCode
    issued = tokens.current().issue(user, request)
    result = SignIn(user, is_new, issued, devices.renew(phone, challenge.checked_at, device))
    signed_in.send(sender=type(user), user=user, is_new=is_new)
    return result


def sign_out_everywhere(*, user: Any) -> None:
    """End all tokens of a user, and let no device be known any more that signed in until now."""
    devices.end_all(accounts.phone_of(user))  # first: it may find the store down, and whoever asks again needs a token
    tokens.current().revoke_all(user)


def cancel(*, challenge_id: str) -> bool:
    """End a challenge before its time, as when the person gives up; whether it was still pending."""
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    return challenge is not None and store.close(challenge, Status.CANCELED)


def state(*, challenge_id: str) -> State:
    """What became of a challenge's newest message, and what is left. InvalidOrExpiredCode when it lives no more.

    A lost reply (*unknown* in our records) is told as "sent": the person may have the message, nobody knows better, and
    the advice is the same, to wait for it and then to send again. ``resend_in`` is as after a send, by the phone's own
    limits alone. An approved or canceled challenge is told until it expires, with nothing left: a send that failed has
    canceled it.
    """
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    if challenge is None or challenge.expires_at <= (now := store.now()):
        raise InvalidOrExpiredCode
    phone, delivery = challenge.phone, reports.newest(challenge_id)
    demand = demands.for_send(phone, None, device=challenge.device, test=testnumbers.is_one(phone))
    limits = [limit for limit in demand.limits if limit.counts in (Counts.WAITS, Counts.SENDS)]
    waits = [usage.wait for usage in store.usage(limits, phone=phone, device=bool(challenge.device))]
    checks_left = challenge.checks_left if challenge.status is Status.PENDING else 0
    return State(
        challenge_id,
        _TOLD.get(delivery.status, delivery.status) if delivery else Delivery.State.QUEUED,
        challenge.channel,
        tuple(each for each in routes.channels(phone) if each != challenge.channel),
        checks_left=checks_left,
        sends_left=challenge.sends_left if checks_left else 0,  # a code that can be compared no more is not sent again
        expires_in=(challenge.expires_at - now) // 1000,
        resend_in=-(-max(waits, default=0) // 1000),
    )


_TOLD: dict[str, str] = {Delivery.State.UNKNOWN: Delivery.State.SENT}


def _offered(phone: str, channel: str, *, first: bool) -> str:
    """The channel to take, of those that the routes have for a number."""
    # A test number gets nothing, so it needs no route: that of a country where there is none may take any channel.
    channels = routes.channels(phone) or (list(Channel) if testnumbers.is_one(phone) else [])
    if not channels:
        raise RegionNotAllowed
    if channel and channel not in channels:
        raise ChannelNotOffered
    return channel or (channels[0] if first else "")


def _new_challenge(new_id: str, phone: str, purpose: str, language: str, channel: str, device: str) -> Challenge:
    policy = policy_for(purpose)
    return Challenge(
        id=new_id or random_id(),
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
        # A device is told apart by its value as a challenge is by its id: no stranger can spend its checks.
        phone_checks_left=policy.checks if device else min(policy.checks, policy.checks_by_phone),
        sends_left=policy.sends,
        device=device,
    )


def _require_id(challenge_id: str) -> None:
    """What is no id of ours is the id of no challenge; the stores need not look."""
    if not is_id(challenge_id):
        raise InvalidOrExpiredCode


@contextmanager
def _reporting(phone: str, client: str | None) -> Iterator[None]:
    """Refusals are told to the operator, and a proof of work that is asked for comes with its task."""
    try:
        yield
    except Limited as refused:
        guard.report(refused, phone, client)
        raise
    except ProofRequired:
        raise ProofRequired(proofs.task()) from None
