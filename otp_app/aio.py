"""Offer the front door to coroutines: functions of ``services`` and ``tokens``, each called in a thread.

Nothing in them is asynchronous: ``asend_code`` holds its thread until the provider has answered. It is the thread that
asgiref keeps for the synchronous code of a request (``thread_sensitive``), because Django's connections belong to their
threads. Outside of requests, as in a consumer of Channels, all calls of a process share one thread. A call that has
begun goes on to its end when the coroutine is cancelled.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from . import services, tokens
from .errors import NotAuthenticated

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _in_thread(call: Callable[Arguments, Result]) -> Callable[Arguments, Coroutine[Any, Any, Result]]:
    """Return a coroutine function with the same arguments, result and errors.

    Around each call connections that are broken or too old are closed, as Django does around a request.
    """

    @wraps(call)
    def fresh(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        close_old_connections()
        try:
            return call(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(fresh, thread_sensitive=True)


def _active_user_of(token: str) -> Any | None:
    """Return what ``tokens.authenticate`` does, with the user read: a coroutine cannot ask the database later."""
    user = tokens.authenticate(token)
    try:
        return user if user is not None and user.is_active else None
    except NotAuthenticated:
        return None


asend_code = _in_thread(services.send_code)
averify_code = _in_thread(services.verify_code)
asign_in = _in_thread(services.sign_in)
asign_out_everywhere = _in_thread(services.sign_out_everywhere)
aauthenticate = _in_thread(_active_user_of)
