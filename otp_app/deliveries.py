"""Handing messages to providers and recording what became of them."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlineExceeded
from functools import lru_cache

from . import codes, messages, phones, providers, stores, testnumbers
from .challenges import Grant
from .conf import LOCAL_PROVIDERS, conf, provider_settings
from .errors import DeliveryFailed, UndeliverablePhone
from .models import Delivery
from .providers.base import Message, NotAccepted, Provider, Receipt, Rejected, Unknown

logger = logging.getLogger("otp_app.deliveries")

State = Delivery.State


def dispatch(grant: Grant) -> None:
    """Hand the last send of a challenge to the provider in force.

    Raises UndeliverablePhone when the number is at fault and DeliveryFailed when nothing was sent; the phone is then
    given back what the send took. A lost reply is no error: the person may have the message.
    """
    if testnumbers.is_one(grant.challenge.phone):
        return _record(grant, "test", State.SENT)
    alias, provider = providers.current()
    try:
        receipt = _send(provider, _message(grant))
    except (Rejected, NotAccepted) as error:
        _record(grant, alias, State.FAILED, error=error.reason)
        # A number at fault costs its client, prefix and region, or free rejections would tell numbers apart. When it is
        # the provider's fault all is given back, or an outage would look like an attack and end in blocks.
        at_fault = isinstance(error, Rejected)
        stores.current().undo_send(grant.challenge, () if at_fault else grant.taken)
        raise (UndeliverablePhone() if at_fault else DeliveryFailed()) from None
    except Unknown as error:
        _record(grant, alias, State.UNKNOWN, error=error.reason)
    else:
        _record(grant, alias, State.SENT, reference=receipt.reference, segments=receipt.segments)


def _message(grant: Grant) -> Message:
    code = codes.code_for(grant.challenge)
    if code is None:
        raise NotAccepted("key_retired")
    return messages.compose(grant.challenge, code, grant.expires_in)


def _record(grant: Grant, alias: str, status: str, *, reference: str = "", error: str = "", segments: int = 0) -> None:
    """One statement, on the row that was committed with the challenge, and only forward from queued."""
    challenge = grant.challenge
    queued = Delivery.objects.filter(challenge=challenge.id, sent_at=challenge.sent_at[-1], status=State.QUEUED)
    queued.update(provider=alias, status=status, reference=reference[:64], error=error[:64], segments=segments)
    logger.log(
        logging.INFO if status == State.SENT else logging.WARNING,
        "send %s by %s to %s %s",
        status,
        alias,
        phones.mask(challenge.phone),
        error,
    )


def _send(provider: Provider, message: Message) -> Receipt:
    """A provider that reaches the network works in a thread of a bounded pool, for two reasons.

    No timeout of a socket bounds a reply that drips, a deadline on the thread does. And when that many calls are stuck,
    the next send is refused at once instead of taking the process's last threads away from verify.
    """
    if provider_settings()["BACKEND"] in LOCAL_PROVIDERS:
        return provider.send(message)
    slots, pool = _pool(conf.PROVIDER_CALLS)
    if not slots.acquire(blocking=False):
        raise NotAccepted("busy")
    future: Future[Receipt] = pool.submit(_call, provider, message)
    future.add_done_callback(lambda _: slots.release())
    try:
        return future.result(timeout=conf.PROVIDER_DEADLINE)
    except DeadlineExceeded:
        raise Unknown("deadline") from None


def _call(provider: Provider, message: Message) -> Receipt:
    try:
        return provider.send(message)
    except (Rejected, NotAccepted, Unknown):
        raise
    except Exception as error:  # noqa: BLE001
        # Whatever else goes wrong, it may be after acceptance. Only the type is logged: a text may quote the message.
        logger.error("provider raised %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote it)
        raise Unknown(type(error).__name__) from None


@lru_cache(maxsize=1)
def _pool(size: int) -> tuple[threading.Semaphore, ThreadPoolExecutor]:
    return threading.Semaphore(size), ThreadPoolExecutor(size, thread_name_prefix="otp-provider")
