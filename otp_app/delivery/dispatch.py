"""Bring a send to a provider: in the route's order, once, with at most one change to the next provider.

::

    inline    (claimed with the send) ── dispatch(grant) ──┐
    worker    deliver(id) ── dispatch ── records.claim ────┴─ executor.call ── records.end
                                                                └─ surely not accepted: records.pass_on ── call ── end
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from .. import accounts, phones, stores
from ..accounts import notifications
from ..challenges import Challenge, Grant, Status, codes
from ..conf import conf
from ..db.transactions import require_none
from ..errors import DeliveryFailed, UndeliverablePhone
from ..models import Delivery
from ..providers.base import NotAccepted, Rejected, Unsuited
from . import circuit_breaker, executor, records, routing
from .attempts import DeliveryAttempt, call_and_record, claim, end, message_for, record_sent


def dispatch(grant: Grant, *, patient: bool = False) -> None:
    """Hand the last send of a challenge to a provider.

    Raises UndeliverablePhone when the number is at fault and DeliveryFailed when no provider accepted the message; the
    phone then gets back what the send took. A lost reply raises nothing: the person may have the message. With
    ``patient`` it raises nothing either when no provider could be called just now: the send stays queued. Raises
    InsideTransaction in a transaction, because a rollback would undo the claim after the call.
    """
    require_none(records.database())
    phone = phones.as_phone(grant.challenge.phone)
    if phone is not grant.challenge.phone:  # that of a stored challenge is plain text: parsed once, for all below
        grant = replace(grant, challenge=replace(grant.challenge, phone=phone))
    try:
        if phone.is_test:
            _record_unsent(grant, routing.TEST_PROVIDER)
        else:
            _attempt_route(grant, time.monotonic() + conf.PROVIDER_DEADLINE, patient=patient)
    except (Rejected, NotAccepted) as error:
        # A number at fault costs its client, prefix and region, or free rejections would tell numbers apart. When it is
        # the provider's fault all is given back, or an outage would use up everybody's limits. What a provider does not
        # carry was chosen by the requester, so that is not given back either.
        _undo_send(grant.challenge, chosen=isinstance(error, Rejected | Unsuited))
        raise (UndeliverablePhone() if isinstance(error, Rejected) else _delivery_failed(grant.challenge)) from None


def deliver(challenge_id: str) -> None:
    """Deliver the newest unclaimed send of a challenge, for workers; end those that are late, closed or superseded.

    A worker may call it for one id as often and as late as it likes.
    """
    sends = records.unclaimed_sends(challenge_id)
    if not sends:
        return
    store = stores.current()
    challenge = store.get(challenge_id) or notifications.challenge_of(challenge_id)
    if challenge is None or not challenge.sent_at:
        records.give_up(challenge_id, sends, "expired")
        return
    now = store.now()
    for sent_at in sorted(sends):
        reason = _reason_to_drop(challenge, now) if sent_at == challenge.sent_at[-1] else "superseded"
        if not reason:
            with suppress(UndeliverablePhone, DeliveryFailed):  # the record says so; nobody waits for an answer
                dispatch(Grant(challenge, now, 0), patient=True)
        elif records.give_up(challenge_id, [sent_at], reason):
            _undo_send(replace(challenge, sent_at=(sent_at,)))


def _undo_send(challenge: Challenge, *, chosen: bool = False) -> None:
    """Give back what a failed send took, and end its challenge; where sign-ups are not public the send stands.

    There only a phone that may get in has a message that can fail, so what is given back would tell of it. What a
    notification took is no store's to undo.
    """
    if challenge.is_notification:
        if not chosen:
            stores.current().give_back(challenge.increments)
    elif accounts.are_public():
        stores.current().undo_send(challenge, chosen=chosen)


def _reason_to_drop(challenge: Challenge, now: int) -> str:
    """Return why the newest send is not worth delivering; "" when it is.

    A code that has lost half of the life it had when it was sent comes too late to be typed in peace.
    """
    is_exhausted = not (challenge.checks_left or challenge.is_notification)
    if challenge.status is not Status.PENDING or is_exhausted:
        return "closed"
    sent_at = challenge.sent_at[-1]
    return "late" if now - sent_at > (challenge.expires_at - sent_at) / 2 else ""


def _delivery_failed(challenge: Challenge) -> DeliveryFailed:
    """Return the error that tells when to try again: at once, or when the first circuit of the route is half-open."""
    seconds = circuit_breaker.seconds_until_retry(routing.aliases(phones.as_phone(challenge.phone), challenge.channel))
    return DeliveryFailed(seconds) if seconds else DeliveryFailed()


def withhold(grant: Grant) -> None:
    """Record a send as sent, without calling a provider; the send was claimed for none (``routing.claims``)."""
    _record_unsent(grant, routing.NO_PROVIDER)


def _record_unsent(grant: Grant, alias: str) -> None:
    if grant.claimed or records.claim(grant.challenge, alias):
        facts = {"segments": 0, "price": None, "latency": None}
        record_sent(DeliveryAttempt(grant, 1, alias), facts)


def _attempt_route(grant: Grant, deadline: float, *, patient: bool) -> None:
    """Attempt delivery by the first usable provider of the route and, if it surely did not accept, by the second.

    Returns when a provider has the message or may have it, or when another process attempts the send; else raises why
    no provider has it. With ``patient`` it also returns when no provider was called: the send stays queued.
    """
    attempt, code = None, codes.code_for(grant.challenge)
    failure = NotAccepted("no_provider") if code else executor.NotTried("key_retired")
    usable = routing.usable(grant) if code else iter(())
    for number, (alias, probing) in zip((1, 2), usable):  # noqa: B905  (two, whatever the route)
        attempt = DeliveryAttempt(grant, number, alias, probing)
        # Before the claim: an error in it leaves a send that can be tried again.
        with _releasing_claim_on_error(attempt):
            message = message_for(attempt, code or "")
        if not claim(attempt, failure):
            return
        refusal = call_and_record(attempt, message, deadline)
        if refusal is None:
            return
        failure = refusal
        if isinstance(failure, executor.NotTried):
            break
    _end_unaccepted(grant, attempt, failure, patient=patient)


def _end_unaccepted(grant: Grant, last: DeliveryAttempt | None, failure: NotAccepted, *, patient: bool) -> None:
    """End a send that no provider accepted, and raise ``failure``; ``last`` is None when none was usable.

    With ``patient`` a send for which no provider was called stays queued. Return without raising when another process
    has claimed or ended the send.
    """
    records.insert_claimed(grant)
    called = last is not None and not (last.number == 1 and isinstance(failure, executor.NotTried))
    if patient and not called:
        if last:
            records.release(grant)
        return
    if last:
        end(last, Delivery.Status.FAILED, error=failure.reason)
    elif not records.give_up(
        grant.challenge.id, grant.challenge.sent_at[-1:], failure.reason, ours=bool(grant.claimed)
    ):
        return
    raise failure


@contextmanager
def _releasing_claim_on_error(attempt: DeliveryAttempt) -> Iterator[None]:
    """Release the claim that was made with the send when the block raises before any provider was called."""
    try:
        yield
    except Exception:
        if attempt.grant.claimed and attempt.number == 1:
            records.insert_claimed(attempt.grant)
            records.release(attempt.grant)
        raise
