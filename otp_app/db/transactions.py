"""Keep the app's calls out of other people's transactions."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from django.db import connections, router, transaction
from django.dispatch import Signal

from ..errors import InsideTransaction

_WHY = inspect.cleandoc(InsideTransaction.__doc__ or "")


def without_transactions(view: Any) -> Any:
    """Take a view out of ATOMIC_REQUESTS on every database.

    An error's rollback must not undo a spent check, and a sign of life must not need a database.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view


def require_none(alias: str) -> None:
    """Raise InsideTransaction within any transaction but a test's; begin none."""
    if _is_within(alias):
        raise InsideTransaction(_WHY)


def after_commit(alias: str, do: Callable[[], Any]) -> None:
    """Call ``do`` once the transaction around has committed, not at all if it does not; at once within none."""
    if _is_within(alias):
        transaction.on_commit(do, using=alias)
    else:
        do()


def send_after_commit(signal: Signal, user: Any, **facts: Any) -> None:
    """Send a signal about a user once the transaction around has committed; at once within none, or a test's."""
    model = user.__class__  # of an object that stands for a user: the user's own
    after_commit(router.db_for_write(model), partial(signal.send_robust, model, user=user, **facts))


@contextmanager
def durable(alias: str) -> Iterator[None]:
    """Begin our own transaction; raise InsideTransaction inside another: its rollback would undo spent checks."""
    with ExitStack() as stack:
        try:
            stack.enter_context(transaction.atomic(using=alias, durable=True))
        except RuntimeError as error:
            raise InsideTransaction(_WHY) from error
        yield


def _is_within(alias: str) -> bool:
    blocks = connections[alias].atomic_blocks
    return bool(blocks) and not getattr(
        blocks[-1], "_from_testcase", False
    )  # as Django's own durable blocks look at it
