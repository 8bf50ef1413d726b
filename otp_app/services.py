"""The front door: send a code, verify it, sign in.

::

    send_code ── store.open ─────── queue.enqueue ── (dispatch.dispatch)        first send
              └─ store.spend_send ─┘                                            again, by challenge id
    sign_in ──── verify_code ────── accounts.user_for ── tokens.issue
                 └─ store.spend_check ── codes.matches ── store.close           spend, compare, close
    exchange ─── authorization_codes.redeem ─────── tokens.issue               for other sites, after a sign-in here
    state ────── store.get ── delivery.state                                    what became of the message

All arguments are by keyword; each function returns a value or raises one ``OtpError``. None may be called inside a
transaction (``InsideTransaction``): its rollback would give spent checks back.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.http import HttpRequest

from . import accounts, audit, phones, queues, staff, stores, tokens
from .accounts import authorization_codes, devices
from .challenges import Challenge, ChallengeState, Grant, Status, codes, is_id
from .challenges.policies import LOGIN, longest
from .delivery import routing
from .delivery.state import challenge_state, may_switch, resend_in
from .errors import ChannelNotOffered, InvalidOrExpiredCode, RegionNotAllowed
from .limits import proof_of_work, request_limits
from .phones import Phone
from .providers.base import Channel
from .signals import signed_in
from .tokens.base import Issued, TokenBackend


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

    ``channel`` "" is the first one on offer for the number, or the one of the send before; another channel need not
    wait when that send has reached nobody. ``client`` is who asks, for the limits; None is not limited. ``device`` is
    what an earlier sign-in gave, ``proof`` the solved task of a ProofRequired, ``new_id`` (from ``random_id``) what a
    new challenge shall be called. Raises ProofRequired, Limited, ChannelNotOffered, RegionNotAllowed (no provider
    carries messages there), InvalidOrExpiredCode (an id that is not this phone's open challenge; nothing is charged),
    UndeliverablePhone or DeliveryFailed.
    """
    phone = phones.of(phone)
    channel = _offered(phone, channel, first=challenge_id is None)
    known = devices.recognise(phone, device)
    limits = partial(
        request_limits.for_send, phone, client, device=known, proof=proof_of_work.name_of(proof), test=phone.is_test
    )
    store, queue, switched = stores.current(), queues.current(), False
    claims = routing.claims(phone, channel) if queue.at_once else None
    with audit.reporting(phone, client):
        if challenge_id is None:
            challenge = codes.new_challenge(new_id, phone, purpose, language, channel, known)
            grant = store.open(challenge, limits(checks=challenge.checks), claims)
        else:
            _require_id(challenge_id)
            how = {"device": known, "language": language, "channel": channel}
            switched = may_switch(challenge_id, channel)
            grant = store.spend_send(phone, purpose, challenge_id, limits(waits=not switched), claims, **how)
    queue.enqueue(grant)
    return replace(grant, resend_in=resend_in(phone, known)) if switched else grant


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
    known = devices.recognise(phone, device)
    return _verified(phone, code, purpose, client, challenge_id, known)


def _verified(
    phone: str, code: str, purpose: str, client: str | None, challenge_id: str | None, known: str
) -> Challenge:
    """Spend a check, compare, close; ``known`` is the device that is recognised."""
    if challenge_id is not None:
        _require_id(challenge_id)
    store = stores.current()
    with audit.reporting(phone, client):
        # A known device pays by its phone's budget alone: what is counted of a client, its neighbours can use up.
        limits = request_limits.for_check(None if known else client)
        challenge = store.spend_check(phone, purpose, challenge_id, limits, device=known)
    failed = partial(audit.check_failed, phone, client, challenge_id)
    if challenge is None:
        raise failed("no_open_challenge")
    if not codes.matches(challenge, code):
        store.fail(challenge)
        raise failed("wrong_code")
    if not store.close(challenge, Status.APPROVED):
        raise failed("no_open_challenge")
    return challenge


def sign_in(
    *,
    phone: str,
    code: str,
    client: str | None = None,
    challenge_id: str | None = None,
    device: str | None = None,
    request: HttpRequest | None = None,
    backend: TokenBackend | None = None,
) -> SignIn:
    """Verify, find or create the user, issue a token by ``backend``, which is else the one in force.

    A deactivated user gets the error of a wrong code. A receiver of ``signed_in`` that fails changes nothing: the code
    is used up and the token issued by then, and Django logs the receiver's error.
    """
    phone = phones.of(phone)
    known = devices.recognise(phone, device)
    challenge = _verified(phone, code, LOGIN, client, challenge_id, known)
    user, is_new, issued = _let_in(phone, backend or tokens.current(), request)
    renewed = devices.renew(phone, challenge.checked_at, device, known=bool(known))
    result = SignIn(user, is_new, issued, renewed)
    audit.signed_in(user, client, is_new=is_new)
    signed_in.send_robust(sender=type(user), user=user, is_new=is_new)
    return result


def sign_out_everywhere(*, user: Any) -> None:
    """End all tokens and sessions of a user, and let no device be known any more that signed in until now."""
    devices.end_all(accounts.phone_of(user))  # first: it may find the store down, and whoever asks again needs a token
    authorization_codes.revoke_all(user)  # before the tokens: what is redeemed until now is one of them
    tokens.revoke_all(user)


def exchange(
    *, client: str, redirect_uri: str, code: str, code_verifier: str, request: HttpRequest | None = None
) -> tuple[Any, Issued]:
    """The user and a token for a site with an authorization code. InvalidOrExpiredCode, and the code is gone."""
    user = authorization_codes.redeem(client=client, redirect_uri=redirect_uri, code=code, code_verifier=code_verifier)
    return user, tokens.current().issue(user, request)


def extend(*, challenge_id: str) -> None:
    """Let a challenge live twice as long, once, for who needs more time (WCAG 2.2, 2.2.1).

    Never beyond 600 s (``policies.LONGEST_TTL``). No check and no send comes with it, so a guesser gains nothing.
    InvalidOrExpiredCode when it is open no more, or lives that long already.
    """
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    if challenge is None or not store.extend(challenge_id, longest(challenge.purpose)):
        raise InvalidOrExpiredCode


def cancel(*, challenge_id: str) -> bool:
    """End a challenge before its time, as when the person gives up; whether it was still pending."""
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    return challenge is not None and store.close(challenge, Status.CANCELED)


def state(*, challenge_id: str) -> ChallengeState:
    """What became of a challenge's newest message, and what is left. InvalidOrExpiredCode when it lives no more."""
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    if challenge is None or challenge.expires_at <= (now := store.now()):
        raise InvalidOrExpiredCode
    return challenge_state(challenge, now)


def _let_in(phone: Phone, backend: TokenBackend, request: HttpRequest | None) -> tuple[Any, bool, Issued]:
    """The user of a verified phone, whether it is new, and the token."""
    token = None if phone.is_test else tokens.issuing(backend)
    user, is_new = token and accounts.find_and_sign_in(phone, token.model, token.row), False
    issued = token.issued if token and user else None
    if not user:
        user, is_new = accounts.user_for(phone)
    if not user.is_active or (phone.is_test and staff.is_staff(user)):
        raise InvalidOrExpiredCode
    return user, is_new, issued or tokens.issue(backend, user, request)


def _offered(phone: Phone, channel: str, *, first: bool) -> str:
    """The channel to take, of those that the routes have for a number."""
    # A test number gets nothing, so it needs no route: that of a country where there is none may take any channel.
    channels = routing.channels(phone) or (list(Channel) if phone.is_test else [])
    if not channels:
        raise RegionNotAllowed
    if channel and channel not in channels:
        raise ChannelNotOffered
    return channel or (channels[0] if first else "")


def _require_id(challenge_id: str) -> None:
    """What is no id of ours is the id of no challenge; the stores need not look."""
    if not is_id(challenge_id):
        raise InvalidOrExpiredCode
