"""Make one delivery attempt: claim it, call its provider, record the answer."""

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from .. import phones
from ..accounts import confirmations, notifications
from ..challenges import Grant
from ..models import Delivery
from ..providers.base import Blocked, Message, NotAccepted, Rejected, Unknown, Unreachable, Unsuited
from . import callbacks, circuit_breaker, executor, messages, records, routing, suppressions

logger = logging.getLogger("otp_app.deliveries")


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """Hold one delivery attempt of a send."""

    grant: Grant
    number: int  # 1 or 2
    alias: str  # of the provider
    probing: bool = False  # the provider's circuit is half-open, and this attempt decides whether it closes

    @property
    def claimed_with_send(self) -> bool:
        """Tell whether this attempt was claimed by the statement that committed the send."""
        claimed = self.grant.claimed
        return self.number == 1 and claimed is not None and self.alias == claimed.claim.provider


def message_for(attempt: DeliveryAttempt, code: str) -> Message:
    """Compose the message of an attempt, with our id of the attempt and the address for reports."""
    challenge, our_id = attempt.grant.challenge, records.reference_of(attempt.grant, attempt.number)
    if challenge.is_notification:
        link = callbacks.link_of(notifications.value_of(challenge.id))
        message = messages.notice(challenge, link, attempt.grant.expires_in)
    else:
        message = messages.compose(challenge, code, attempt.grant.expires_in, confirmations.text_of(challenge))
    return replace(message, id=our_id, callback=callbacks.url_of(attempt.alias, f"id={our_id}"))


def claim(attempt: DeliveryAttempt, failure: NotAccepted) -> bool:
    """Claim an attempt for this process; False when another process has it. ``failure`` ended the attempt before."""
    grant, challenge = attempt.grant, attempt.grant.challenge
    if attempt.number == 1 and not grant.claimed:
        return records.claim(challenge, attempt.alias)
    if attempt.claimed_with_send:
        return True
    records.insert_claimed(grant)
    if attempt.number == 1:
        return records.reassign(challenge, attempt.alias)
    return records.pass_on(challenge, failure.reason, attempt.alias)


def call_and_record(attempt: DeliveryAttempt, message: Message, deadline: float) -> NotAccepted | None:
    """Call the provider and record its answer; return the error when it surely did not accept the message.

    That error is not recorded yet, because another provider may accept. Raises Rejected when the number is at fault.
    """
    begun, alias = time.monotonic(), attempt.alias
    try:
        receipt = executor.call(routing.provider_of(alias), message, deadline, local=routing.is_local(alias))
    except Rejected as error:
        _record_rejection(attempt, error)
        raise
    except NotAccepted as error:
        _count_failure(attempt, error)
        return error
    except Unknown as error:
        records.insert_claimed(attempt.grant)
        end(attempt, Delivery.Status.UNKNOWN, error=error.reason)
        circuit_breaker.record_failure(alias)
        return None
    record_sent(attempt, records.facts_of(message, alias, receipt, begun))
    if attempt.probing:
        circuit_breaker.close(alias)
    return None


def _record_rejection(attempt: DeliveryAttempt, error: Rejected) -> None:
    """End an attempt that the provider rejected because of the number, and suppress the number."""
    challenge = attempt.grant.challenge
    records.insert_claimed(attempt.grant)
    end(attempt, Delivery.Status.FAILED, error=error.reason)
    if attempt.probing:  # the provider answers again: the number must not leave the circuit open
        circuit_breaker.close(attempt.alias)
    if not isinstance(error, Blocked):
        suppressions.suppress(challenge.phone, challenge.channel if isinstance(error, Unreachable) else "")


def _count_failure(attempt: DeliveryAttempt, error: NotAccepted) -> None:
    """Count a failure of the provider in its circuit breaker.

    Unsuited is no failure, because the requester chose the message; it closes a half-open circuit. NotTried is none
    either, because the provider was not called.
    """
    if isinstance(error, Unsuited):
        if attempt.probing:
            circuit_breaker.close(attempt.alias)
    elif not isinstance(error, executor.NotTried):
        circuit_breaker.record_failure(attempt.alias)


def record_sent(attempt: DeliveryAttempt, facts: dict[str, Any]) -> None:
    """Record an accepted message: by the write-behind when the attempt was claimed with its send, else at once."""
    if attempt.claimed_with_send and attempt.grant.claimed:
        records.record_sent(attempt.grant.claimed, facts)
        _log_outcome(attempt, Delivery.Status.SENT)
    else:
        end(attempt, Delivery.Status.SENT, **facts)


def end(attempt: DeliveryAttempt, status: str, **facts: Any) -> None:
    """Record and log the outcome of an attempt."""
    records.end(attempt.grant.challenge, attempt.number, status, **facts)
    _log_outcome(attempt, status, facts.get("error", ""))


def _log_outcome(attempt: DeliveryAttempt, status: str, error: str = "") -> None:
    level, phone = logging.INFO if status == Delivery.Status.SENT else logging.WARNING, attempt.grant.challenge.phone
    logger.log(level, "send %s by %s to %s%s", status, attempt.alias, phones.mask(phone), error and f" {error}")
