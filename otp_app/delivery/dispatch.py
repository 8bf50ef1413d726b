"""Bringing a send to a provider: by the route's order, once, with at most one change to the next provider.

::

    inline    (claiming: with the send) ── dispatch(grant) ──┐
    worker    deliver(id) ────────── dispatch ── claim ──────┴─ call ── end      claim, end: handovers, call: calls
                                                                 └─ pass_on ── call ── end   surely not accepted
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from .. import faults, phones, stores
from ..challenges import Challenge, Grant, Status, codes
from ..conf import conf
from ..db.transactions import require_none
from ..errors import DeliveryFailed, UndeliverablePhone
from ..models import Delivery
from ..providers.base import Blocked, Message, NotAccepted, Rejected, Unknown, Unreachable, Unsuited
from . import callbacks, circuit_breaker, executor, messages, records, routing, suppressions

logger = logging.getLogger("otp_app.deliveries")


def dispatch(grant: Grant, *, patient: bool = False) -> None:
    """Hand the last send of a challenge over.

    Raises UndeliverablePhone when the number is at fault and DeliveryFailed when nothing was sent; the phone is then
    given back what the send took. A lost reply is no error: the person may have the message. With ``patient`` neither
    is that nobody could be asked just now: the send stays queued. InsideTransaction in one, whose rollback would undo
    the claim after the call.
    """
    require_none(records.database())
    phone = phones.of(grant.challenge.phone)
    if phone is not grant.challenge.phone:  # that of a stored challenge is plain text: parsed once, for all below
        grant = replace(grant, challenge=replace(grant.challenge, phone=phone))
    try:
        if phone.is_test:
            _pretend(grant)
        else:
            _hand_over(grant, time.monotonic() + conf.PROVIDER_DEADLINE, patient=patient)
    except (Rejected, NotAccepted) as error:
        # A number at fault costs its client, prefix and region, or free rejections would tell numbers apart. When it is
        # the provider's fault all is given back, or an outage would use up what there is for everybody.
        # What a provider does not carry was chosen by who asks, so that is not given back either.
        stores.current().undo_send(grant.challenge, chosen=isinstance(error, Rejected | Unsuited))
        raise (UndeliverablePhone() if isinstance(error, Rejected) else _try_again_later(grant.challenge)) from None


def deliver(challenge_id: str) -> None:
    """What a worker does with an id, as often and as late as it is told to: the newest send, if it is still of use."""
    sends = records.waiting(challenge_id)
    if not sends:
        return
    store = stores.current()
    challenge = store.get(challenge_id)
    if challenge is None or not challenge.sent_at:
        records.give_up(challenge_id, sends, "expired")
        return
    now = store.now()
    for at in sorted(sends):
        reason = _of_no_use(challenge, now) if at == challenge.sent_at[-1] else "superseded"
        if not reason:
            with suppress(UndeliverablePhone, DeliveryFailed):  # it is written down; nobody waits for an answer
                dispatch(Grant(challenge, now, 0), patient=True)
        elif records.give_up(challenge_id, [at], reason):
            store.undo_send(replace(challenge, sent_at=(at,)))


def _try_again_later(challenge: Challenge) -> DeliveryFailed:
    """In a moment, or when the first circuit is tried again."""
    seconds = circuit_breaker.pause(routing.aliases(phones.of(challenge.phone), challenge.channel))
    return DeliveryFailed(seconds) if seconds else DeliveryFailed()


def _of_no_use(challenge: Challenge, now: int) -> str:
    """A code that has lost half of the life it had when it was sent comes too late to be typed in peace."""
    if challenge.status is not Status.PENDING or not challenge.checks_left:
        return "closed"
    sent_at = challenge.sent_at[-1]
    return "late" if now - sent_at > (challenge.expires_at - sent_at) / 2 else ""


def _pretend(grant: Grant) -> None:
    """A test number gets nothing, and a record that says so."""
    if grant.claimed or records.claim(grant.challenge, routing.TEST):
        _sent(grant, 1, routing.TEST, {"segments": 0, "price": None, "latency": None})


def _hand_over(grant: Grant, until: float, *, patient: bool) -> None:
    """Returns when a provider has it, may have it, or another process is on it; else raises why nobody has.

    ``patient``: where nobody was asked it returns as well, and the send stays queued for the next sweep.
    """
    challenge, number, alias = grant.challenge, 0, ""
    code = codes.code_for(challenge)
    failure = NotAccepted("no_provider") if code else executor.NotTried("key_retired")
    usable = routing.usable(grant) if code else iter(())
    for number, (alias, probing) in zip((1, 2), usable):  # noqa: B905  (two, whatever the route)
        # Before the claim: an error in it leaves a send that can be tried again.
        with _released_by_errors(grant, number):
            message = _message(grant, code or "", number, alias)
        if not _claim(grant, number, alias, failure):
            return
        refused = _try(grant, message, number, alias, until, probing=probing)
        if refused is None:
            return
        failure = refused
        if isinstance(failure, executor.NotTried):
            break
    records.begin(grant)
    if patient and _wait(grant, number, failure):
        return
    if number:
        _end(challenge, number, alias, Delivery.Status.FAILED, error=failure.reason)
    elif not records.give_up(challenge.id, challenge.sent_at[-1:], failure.reason, ours=bool(grant.claimed)):
        return
    raise failure


@contextmanager
def _released_by_errors(grant: Grant, number: int) -> Iterator[None]:
    """What is claimed since the send, as long as nobody was asked."""
    try:
        yield
    except Exception:
        if grant.claimed and number == 1:
            records.begin(grant)
            records.release(grant)
        raise


def _wait(grant: Grant, number: int, failure: NotAccepted) -> bool:
    """Whether nobody was asked, and the send may be left for later: it is taken back from us."""
    if number == 1 and isinstance(failure, executor.NotTried):
        records.release(grant)
        return True
    return not number


def _claim(grant: Grant, number: int, alias: str, failure: NotAccepted) -> bool:
    if number == 1 and not grant.claimed:
        return records.claim(grant.challenge, alias)
    if number == 1 and _is_first(grant, alias):
        return True
    records.begin(grant)
    if number == 1:
        return records.claim_by_another(grant.challenge, alias)
    return records.pass_on(grant.challenge, failure.reason, alias)


def _is_first(grant: Grant, alias: str) -> bool:
    """Whether it is the one whom the send names since it was committed."""
    return grant.claimed is not None and alias == grant.claimed.claim.provider


def _try(grant: Grant, message: Message, number: int, alias: str, until: float, *, probing: bool) -> NotAccepted | None:
    """One call and its record; what it was surely not accepted for is not recorded, as there may be another provider.

    Raises Rejected.
    """
    begun, challenge = time.monotonic(), grant.challenge
    faults.point("handover.claimed" if number == 1 else "handover.passed_on")
    try:
        receipt = executor.call(routing.provider_of(alias), message, until, local=routing.is_local(alias))
        faults.point("handover.answered")
    except Rejected as error:
        records.begin(grant)
        _end(challenge, number, alias, Delivery.Status.FAILED, error=error.reason)
        if probing:  # it answers again: that it was this number must not leave the circuit open
            circuit_breaker.worked(alias)
        if not isinstance(error, Blocked):
            channel = challenge.channel if isinstance(error, Unreachable) else ""
            suppressions.suppress(challenge.phone, channel)
        raise
    except NotAccepted as error:
        _count(alias, error, probing=probing)
        return error
    except Unknown as error:
        records.begin(grant)
        _end(challenge, number, alias, Delivery.Status.UNKNOWN, error=error.reason)
        circuit_breaker.failed(alias)
        return None
    _sent(grant, number, alias, records.facts_of(message, alias, receipt, begun))
    if probing:
        circuit_breaker.worked(alias)
    return None


def _count(alias: str, error: NotAccepted, *, probing: bool) -> None:
    """In its circuit. That a message was not for it says nothing against a provider, whoever asks for such messages."""
    if isinstance(error, Unsuited):
        if probing:
            circuit_breaker.worked(alias)
    elif not isinstance(error, executor.NotTried):
        circuit_breaker.failed(alias)


def _message(grant: Grant, code: str, number: int, alias: str) -> Message:
    our_id = records.reference_of(grant, number)
    message = messages.compose(grant.challenge, code, grant.expires_in)
    return replace(message, id=our_id, callback=callbacks.url_of(alias, f"id={our_id}"))


def _sent(grant: Grant, number: int, alias: str, facts: dict[str, Any]) -> None:
    if number > 1 or not grant.claimed or alias != grant.claimed.claim.provider:
        _end(grant.challenge, number, alias, Delivery.Status.SENT, **facts)
        return
    records.sent(grant.claimed, facts)
    _tell(grant.challenge, alias, Delivery.Status.SENT)


def _end(challenge: Challenge, number: int, alias: str, status: str, **facts: Any) -> None:
    records.end(challenge, number, status, **facts)
    _tell(challenge, alias, status, facts.get("error", ""))


def _tell(challenge: Challenge, alias: str, status: str, error: str = "") -> None:
    faults.point("handover.ended")
    level = logging.INFO if status == Delivery.Status.SENT else logging.WARNING
    logger.log(level, "send %s by %s to %s%s", status, alias, phones.mask(challenge.phone), error and f" {error}")
