"""Call providers: each in a bounded pool of threads of its own, with a deadline."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlineExceeded
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TypeVar

from ..conf import conf
from ..providers.base import Message, NotAccepted, Provider, Receipt, Rejected, Unknown

logger = logging.getLogger("otp_app.calls")
T = TypeVar("T")

_LEAST_SHARE = 1 / 10  # of the whole deadline that a call needs: with less it would only end as unknown
# How long a caller waits for a place. Half as many callers as there are places may wait, so the last of them gets
# one when half of the calls have ended: in 0.15 s with a provider that takes 0.3 s. One that takes 2 s is too slow.
_PLACE_WAIT_SECONDS = 1.0


class NotTried(NotAccepted):
    """Report that no provider was called, because of this process: another provider would not be called either."""


class Stuck(NotAccepted):
    """Report that a provider was not called, because all its threads hang: another provider may be."""


def call(provider: Provider, message: Message, until: float, *, local: bool) -> Receipt:
    """Hand a message to a provider and return its receipt. ``until`` is the deadline by ``time.monotonic``.

    Raises what ``Provider.send`` raises, NotTried when this process has no place or time for the call, Stuck when all
    threads of the provider hang, and Unknown at the deadline.

    A provider that reaches the network works in a thread of a bounded pool: no timeout of a socket bounds a reply that
    drips, a deadline on the thread does. OTP_PROVIDER_CALLS calls run at once, half as many callers wait a moment for
    one of them to end, and the next is refused, so that verify keeps threads of the process. A provider whose threads
    all hang is refused too, and takes no threads of another.
    """
    if local:
        return provider.send(message)
    if (spare := until - time.monotonic() - conf.PROVIDER_DEADLINE * _LEAST_SHARE) <= 0:
        raise NotTried("deadline")
    with _place(min(_PLACE_WAIT_SECONDS, spare)):
        return ask(provider, partial(provider.send, message), until)


def ask(provider: object, question: Callable[[], T], until: float) -> T:
    """Return what ``question`` returns, asked in a thread of the provider; raise as ``call`` does."""
    try:
        return _submit(provider, question).result(timeout=until - time.monotonic())
    except DeadlineExceeded:
        raise Unknown("deadline") from None


@contextmanager
def _place(wait: float) -> Iterator[None]:
    """Hold one of the places for calls of this process; raise NotTried when none is free within ``wait`` seconds."""
    callers, calls = _places(conf.PROVIDER_CALLS)
    with _acquired(callers, 0), _acquired(calls, wait):
        yield


@contextmanager
def _acquired(semaphore: threading.Semaphore, wait: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=wait):
        raise NotTried("busy")
    try:
        yield
    finally:
        semaphore.release()


def _submit(provider: object, question: Callable[[], T]) -> "Future[T]":
    slots, pool = _pool(provider, conf.PROVIDER_CALLS)
    if not slots.acquire(blocking=False):
        raise Stuck("stuck")
    try:
        return pool.submit(_call, question, slots)
    except RuntimeError:  # this process is ending
        slots.release()
        raise NotTried("shutdown") from None


def _call(question: Callable[[], T], slots: threading.Semaphore) -> T:
    try:
        return question()
    except (Rejected, NotAccepted, Unknown):
        raise
    except BaseException as error:  # noqa: BLE001  (an exit too: it ends this call, never the process that waits for it)
        # Whatever else goes wrong, it may be after acceptance. Only the type is logged: a text may quote the message.
        logger.error("provider raised %s", type(error).__name__)  # noqa: TRY400  (a traceback may quote it)
        raise Unknown(type(error).__name__) from None
    finally:
        slots.release()  # before the result is set: whoever waits for a place then also finds a thread


@lru_cache(maxsize=1)
def _places(size: int) -> tuple[threading.Semaphore, threading.Semaphore]:
    """Make the semaphores of callers and of the calls among them: of 16 threads 8 call, 4 wait, 4 are for verify."""
    return threading.Semaphore(size + size // 2), threading.Semaphore(size)


@lru_cache(maxsize=32)
def _pool(provider: object, size: int) -> tuple[threading.Semaphore, ThreadPoolExecutor]:
    return threading.Semaphore(size), ThreadPoolExecutor(size, f"otp-{type(provider).__name__}")
