"""Calling providers: each in a bounded pool of threads of its own, with a deadline."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlineExceeded
from contextlib import contextmanager
from functools import lru_cache

from .conf import conf
from .providers.base import Message, NotAccepted, Provider, Receipt, Rejected, Unknown

logger = logging.getLogger("otp_app.calls")

_LEAST = 10  # a call needs a tenth of the whole deadline: with less it would only end as unknown


class NotTried(NotAccepted):
    """It was not even tried, and with another provider it would be the same: none is at fault."""


def call(provider: Provider, message: Message, until: float, *, local: bool) -> Receipt:
    """Hand a message over. ``until`` is the deadline by ``time.monotonic``. Raises as ``Provider.send`` does.

    A provider that reaches the network works in a thread of a bounded pool: no timeout of a socket bounds a reply that
    drips, a deadline on the thread does. So many callers wait at once, the next is refused instead of taking the
    process's last threads away from verify. A provider whose threads all hang is refused too, and takes no other's.
    """
    if local:
        return provider.send(message)
    if (seconds := until - time.monotonic()) <= conf.PROVIDER_DEADLINE / _LEAST:
        raise NotTried("deadline")
    with _waiting(_callers(conf.PROVIDER_CALLS)):
        try:
            return _begin(provider, message).result(timeout=seconds)
        except DeadlineExceeded:
            raise Unknown("deadline") from None


@contextmanager
def _waiting(callers: threading.Semaphore) -> Iterator[None]:
    if not callers.acquire(blocking=False):
        raise NotTried("busy")
    try:
        yield
    finally:
        callers.release()


def _begin(provider: Provider, message: Message) -> "Future[Receipt]":
    slots, pool = _pool(provider, conf.PROVIDER_CALLS)
    if not slots.acquire(blocking=False):
        raise NotAccepted("stuck")
    try:
        future = pool.submit(_call, provider, message)
    except RuntimeError:  # this process is ending
        slots.release()
        raise NotTried("shutdown") from None
    future.add_done_callback(lambda _: slots.release())
    return future


def _call(provider: Provider, message: Message) -> Receipt:
    try:
        return provider.send(message)
    except (Rejected, NotAccepted, Unknown):
        raise
    except BaseException as error:  # noqa: BLE001  (an exit too: it ends this call, never the process that waits for it)
        # Whatever else goes wrong, it may be after acceptance. Only the type is logged: a text may quote the message.
        logger.error("provider raised %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote it)
        raise Unknown(type(error).__name__) from None


@lru_cache(maxsize=1)
def _callers(size: int) -> threading.Semaphore:
    return threading.Semaphore(size)


@lru_cache(maxsize=32)
def _pool(provider: Provider, size: int) -> tuple[threading.Semaphore, ThreadPoolExecutor]:
    return threading.Semaphore(size), ThreadPoolExecutor(size, f"otp-{type(provider).__name__}")
