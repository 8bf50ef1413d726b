"""Answer ``/healthz`` (the process works) and ``/readyz`` (its database, store and migrations do, too).

An answer of ``/readyz`` is kept for a second, because anybody may ask. Whoever asks also has the log say that no sweep
runs, which makes nothing less ready.

Load balancers ask by address. The ready service answers for any ``Host``. In your own project ``CommonMiddleware``
refuses unknown hosts first, so name that address in ``ALLOWED_HOSTS``.
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
from .delivery import sweeper

logger = logging.getLogger("otp_app.health")

CACHE_SECONDS = 1  # for which the answers of the parts are kept
TIMEOUT_SECONDS = 2  # parts that have not answered by then are not ready


@without_transactions
@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@without_transactions
@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when all parts work, else 503 with the names of those that do not; the reason is only logged."""
    parts = _cached.parts()
    ready = all(parts.values())
    words = {name: "ok" if good else "failed" for name, good in parts.items()}
    return JsonResponse({"status": "ok" if ready else "failed", **words}, status=200 if ready else 503)


def probe_parts() -> dict[str, bool]:
    """Return for each part whether it works."""
    return {name: _works(name, probe) for name, probe in _PROBES.items()}


class _CachedProbes:
    """Probe the parts at most once in CACHE_SECONDS, and in one thread at a time."""

    def __init__(self) -> None:
        self._probing = threading.Lock()
        self._parts: Mapping[str, bool] = {}
        self._until = 0.0

    def parts(self) -> Mapping[str, bool]:
        """Return the cached answers or new ones; all False if another thread's probe takes over TIMEOUT_SECONDS."""
        if not self._probing.acquire(timeout=TIMEOUT_SECONDS):
            return dict.fromkeys(_PROBES, False)
        try:
            if time.monotonic() >= self._until:
                self._parts = probe_parts()
                if all(self._parts.values()):
                    sweeper.warn_of_silence()
                self._until = time.monotonic() + CACHE_SECONDS
            return self._parts
        finally:
            self._probing.release()


_cached = _CachedProbes()


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _store() -> bool:
    return stores.current().usage(()) == []  # as a request asks it, but for no limit


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


_PROBES: dict[str, Callable[[], bool]] = {"database": _database, "store": _store, "migrations": _migrations}


def _works(name: str, probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except Exception:
        logger.exception("not ready: %s", name)
        return False
