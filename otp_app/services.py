"""Open the front door: send a code, verify it, sign in.

::

    send_code ──── rulings.decide ─┬─ store.open ───────┬─ queue.enqueue ── (delivery.dispatch)   the first send
                                   └─ store.spend_send ─┘                                         again, by its id
    verify_code ── store.spend_check ── codes.matches ── store.close                 spend, compare, close
    sign_in ────── as verify_code ── tokens.sign_in: accounts find or create the user, the token is issued
    exchange ───── authorization_codes.redeem ── tokens.issue                        for other sites
    state ──────── store.get ── delivery.state                                       what became of the message

Pass all arguments by keyword. Each function returns a value or raises an ``OtpError``. None may be called inside a
transaction (``InsideTransaction``), because a rollback would give spent checks back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.http import HttpRequest

from . import accounts, audit, notifications, phones, queues, rulings, stores, tokens
from .accounts import authorization_codes, devices, events, profiles
from .challenges import Challenge, ChallengeState, Grant, Status, codes, is_id
from .challenges.policies import LOGIN, extended_ttl
from .conf import conf
from .delivery import channel_limits, routing
from .delivery.state import challenge_state, may_switch, resend_in
from .errors import InvalidOrExpiredCode, IsThisYou, PhoneTaken
from .limits import proof_of_work, request_limits
from .proofs import further_steps
from .tokens.base import Issued, TokenBackend


@dataclass(frozen=True, slots=True)
class SignIn:
    """Hold the result of a sign-in."""

    user: Any
    is_new: bool
    issued: Issued  # the token
    device: str  # the client sends it along from now on, so that strangers cannot use up its sends and checks


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
    request: HttpRequest | None = None,
) -> Grant:
    """Send a code to ``phone`` (E.164, from ``phones.parse``); with ``challenge_id``, send the same code again.

    - ``client``: the client that the limits count (``limits.clients.client_of``); None is not counted.
    - ``channel``: "" takes the first channel that the number's routes offer, or that of the send before. Another
      channel need not wait when the send before has reached nobody.
    - ``device``: the value that an earlier sign-in returned.
    - ``proof``: the solution of the task of a ProofRequired; ``proof_of_work.UNABLE`` gets a wait instead of a task.
    - ``new_id``: the id of a new challenge, from ``random_id``.
    - ``request``: what the accounts are asked with at a sign-in, unless OTP_SIGN_UP is "open". A phone that could not
      get in is then treated as all others are, but gets no message.

    Raise ProofRequired, Limited, ChannelNotOffered, RegionNotAllowed (no route to the region), InvalidOrExpiredCode
    (the id names no open challenge of this phone; nothing is taken), UndeliverablePhone or DeliveryFailed.
    """
    phone = phones.as_phone(phone)
    with audit.recording_refusals(phone, client, challenge_id, channel, request):
        channel = routing.offered_channel(phone, channel, first=challenge_id is None)
        known = devices.recognise(phone, device)
        solved = proof_of_work.name_of(proof)
        limits = partial(channel_limits.for_send, phone, client, channel, device=known, proof=solved)
        store, switched = stores.current(), False
        welcome = purpose != LOGIN or accounts.may_get_in(phone, request)
        claims = queues.claims(phone, channel, withheld=not welcome)
        if challenge_id is None:
            challenge = codes.new_challenge(new_id, phone, purpose, language, channel, known)
            taken, ask = limits(checks=challenge.checks), partial(store.open, challenge, claims=claims)
        else:
            _require_id(challenge_id)
            switched = may_switch(challenge_id, channel)
            taken, again = limits(waits=not switched), partial(store.spend_send, phone, purpose, challenge_id)
            ask = partial(again, claims=claims, device=known, language=language, channel=channel)
        with channel_limits.offered_instead(phone, channel, taken, known, solves=proof != proof_of_work.UNABLE):
            grant = rulings.decide(phone, client, taken, ask, device=bool(known))
        queues.enqueue(grant, withheld=not welcome)
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
    """Verify the code for ``phone`` and return its challenge, approved.

    Without an id, check the newest open challenge of the device, or else of the phone. The check is paid and committed
    before the code is compared; then one caller closes the challenge. Raise InvalidOrExpiredCode, or Limited before
    anything is spent.
    """
    known = devices.recognise(phone, device)
    challenge = _spend_and_compare(phone, code, purpose, client, challenge_id, known)
    _approve(challenge, client, challenge_id)
    return challenge


def _spend_and_compare(
    phone: str,
    code: str,
    purpose: str,
    client: str | None,
    challenge_id: str | None,
    known: str,
    *,
    request: HttpRequest | None = None,
) -> Challenge:
    """Spend a check, compare the code, and return the challenge, still open; ``known`` is the known device, or ""."""
    if challenge_id is not None:
        _require_id(challenge_id)
    store = stores.current()
    with audit.recording_refusals(phone, client, challenge_id, request=request):
        # A known device is not counted by its client, because its neighbours can use up the client's checks.
        limits = request_limits.for_check(None if known else client)
        challenge = store.spend_check(phone, purpose, challenge_id, limits, device=known)
    if challenge is None:
        raise audit.record_failed_check(phone, client, challenge_id, "no_open_challenge")
    if not codes.matches(challenge, code):
        store.fail(challenge)
        raise audit.record_failed_check(phone, client, challenge_id, "wrong_code")
    return challenge


def _approve(challenge: Challenge, client: str | None, challenge_id: str | None) -> None:
    """Close a challenge whose code was right, for one caller."""
    if not stores.current().close(challenge, Status.APPROVED):
        raise audit.record_failed_check(challenge.phone, client, challenge_id, "no_open_challenge")


def sign_in(
    *,
    phone: str,
    code: str,
    client: str | None = None,
    challenge_id: str | None = None,
    device: str | None = None,
    request: HttpRequest | None = None,
    backend: TokenBackend | None = None,
    profile: Mapping[str, Any] | None = None,
    factor: Mapping[str, Any] | None = None,
    anew: bool = False,
) -> SignIn:
    """Verify the code, find or create the user, and issue a token by ``backend`` (default: OTP_TOKEN_BACKEND).

    ``profile`` holds the members of a sign-up, ``factor`` (``by``, ``answer``) the proof of a second factor; ``anew``
    makes a new account and takes the number from one that was idle for OTP_DORMANT_DAYS. Raise InvalidRequest before a
    check is spent if the members are not valid. Raise ProfileRequired, SecondFactorRequired, IsThisYou or PhoneTaken;
    then the challenge is open, and the same code may come again. Raise InvalidOrExpiredCode for a
    deactivated user, as for a wrong code. What a receiver of ``signed_in`` raises is logged and undoes nothing.
    """
    phone, members = phones.as_phone(phone), profiles.validated(profile, request)
    known = devices.recognise(phone, device)
    challenge = _spend_and_compare(phone, code, LOGIN, client, challenge_id, known, request=request)
    vouched = bool(known or factor)
    anew = further_steps.require(phone, members, factor, client, request, vouched=vouched, anew=anew)
    _approve(challenge, client, challenge_id)
    by_number = partial(tokens.sign_in, new_device_at=None if known else challenge.checked_at, vouched=vouched)
    enter = tokens.sign_up_instead if anew else by_number
    try:
        user, is_new, issued = enter(phone, backend or tokens.current(), request, members or {})
    except (IsThisYou, PhoneTaken):  # found out by the statement that signs in, which has signed in nobody
        stores.current().reopen(challenge)
        raise
    at = devices.end_all(phone) + 1 if anew else challenge.checked_at
    renewed = devices.renew(phone, at, device, known=bool(known))
    new_device = not (is_new or known)
    audit.record_sign_in(user, client, challenge, request, is_new=is_new, new_device=new_device)
    if new_device and conf.NOTIFY_NEW_DEVICE:
        notifications.send(user, notifications.NEW_DEVICE, phone=phone, subject=issued.session, request=request)
    return SignIn(user, is_new, issued, renewed)


def sign_out_everywhere(*, user: Any, request: HttpRequest | None = None) -> None:
    """End all tokens and sessions of a user, and forget all devices that have signed in until now."""
    devices.end_all(accounts.phone_of(user))  # first: the store may be down, and a second try needs the token
    authorization_codes.revoke_all(user)  # before the tokens: a code redeemed until now has become a token
    tokens.revoke_all(user, request)
    events.record(user, events.Kind.SESSIONS_ENDED, request)


def exchange(
    *, client: str, redirect_uri: str, code: str, code_verifier: str, request: HttpRequest | None = None
) -> tuple[Any, Issued]:
    """Redeem a site's authorization code and return the user and a token.

    Raise InvalidOrExpiredCode; the code cannot be tried again.
    """
    user = authorization_codes.redeem(client=client, redirect_uri=redirect_uri, code=code, code_verifier=code_verifier)
    issued = tokens.current().issue(user, request)
    tokens.sessions.end_oldest(user, request)
    return user, issued


def extend(*, challenge_id: str) -> None:
    """Double the life of a challenge, once, for people who need more time (WCAG 2.2, success criterion 2.2.1).

    The life never exceeds ``policies.MAX_TTL_SECONDS``. A guesser gains nothing, because no check and no send is added.
    Raise InvalidOrExpiredCode when the challenge is not open, or was extended already.
    """
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    if challenge is None or not store.extend(challenge_id, extended_ttl(challenge.purpose)):
        raise InvalidOrExpiredCode


def cancel(*, challenge_id: str) -> bool:
    """Cancel a challenge, for example because the person gives up; return whether it was pending."""
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    return challenge is not None and store.close(challenge, Status.CANCELED)


def state(*, challenge_id: str) -> ChallengeState:
    """Return what became of a challenge's newest message, and which checks, sends and seconds are left.

    Raise InvalidOrExpiredCode when the challenge is unknown or expired.
    """
    _require_id(challenge_id)
    store = stores.current()
    challenge = store.get(challenge_id)
    if challenge is None or challenge.expires_at <= (now := store.now()):
        raise InvalidOrExpiredCode
    return challenge_state(challenge, now)


def _require_id(challenge_id: str) -> None:
    """Raise InvalidOrExpiredCode for a text that cannot be the id of a challenge, without asking the store."""
    if not is_id(challenge_id):
        raise InvalidOrExpiredCode
