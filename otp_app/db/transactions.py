"""Keep the app's calls out of other people's transactions."""

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections, transaction

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
    blocks = connections[alias].atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):  # as Django's own durable blocks look at it
        raise InsideTransaction(_WHY)


@contextmanager
def durable(alias: str) -> Iterator[None]:
    """Begin our own transaction; raise InsideTransaction inside another: its rollback would undo spent checks."""
    with ExitStack() as stack:
        try:
            stack.enter_context(transaction.atomic(using=alias, durable=True))
        except RuntimeError as error:
            raise InsideTransaction(_WHY) from error
        yield
