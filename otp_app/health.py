"""``/healthz``: the process answers. ``/readyz``: it can do its work (database, store, migrations).

Anybody may ask ``/readyz``, so an answer is kept for a second.

Load balancers ask by address. The service answers whatever the ``Host``; in a project of yours ``CommonMiddleware``
looks at it first, so name that address in ``ALLOWED_HOSTS``.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import stores
from .db.transactions import without_transactions

logger = logging.getLogger("otp_app.health")

KEPT = 1  # seconds for which an answer of all parts is good
PATIENCE = 2  # seconds; parts that have not answered by then are not ready


@without_transactions
@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@without_transactions
@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when all parts answer, else 503; which part failed is said, why stands in the log only."""
    parts = _kept.states()
    ready = all(parts.values())
    words = {name: "ok" if good else "failed" for name, good in parts.items()}
    return JsonResponse({"status": "ok" if ready else "failed", **words}, status=200 if ready else 503)


def states() -> dict[str, bool]:
    """Which parts can do their work."""
    return {name: _answers(name, probe) for name, probe in _PROBES.items()}


class _Kept:
    """Asks the parts once in a while, however many ask for them; and one asks at a time."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._states: Mapping[str, bool] = {}
        self._until = 0.0

    def states(self) -> Mapping[str, bool]:
        """Return the states of a moment ago, or new ones; who waits in vain for another who asks gets bad ones."""
        if not self._asking.acquire(timeout=PATIENCE):
            return dict.fromkeys(_PROBES, False)
        try:
            if time.monotonic() >= self._until:
                self._states = states()
                self._until = time.monotonic() + KEPT
            return self._states
        finally:
            self._asking.release()


_kept = _Kept()


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _store() -> bool:
    return stores.current().usage(()) == []  # as it is asked at a request, but for nothing


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


_PROBES: dict[str, Callable[[], bool]] = {"database": _database, "store": _store, "migrations": _migrations}


def _answers(name: str, probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except Exception:
        logger.exception("not ready: %s", name)
        return False
