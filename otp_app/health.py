"""``/healthz``: the process answers. ``/readyz``: it can do its work (database, store, migrations).

Load balancers ask by address. The service answers whatever the ``Host``; in a project of yours ``CommonMiddleware``
looks at it first, so name that address in ``ALLOWED_HOSTS``.
"""

import logging
from collections.abc import Callable

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import stores
from .challenges import random_id
from .transactions import without_transactions

logger = logging.getLogger("otp_app.health")


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
    parts = states()
    ready = all(parts.values())
    words = {name: "ok" if good else "failed" for name, good in parts.items()}
    return JsonResponse({"status": "ok" if ready else "failed", **words}, status=200 if ready else 503)


def states() -> dict[str, bool]:
    """Which parts can do their work."""
    return {name: _answers(name, probe) for name, probe in _PROBES.items()}


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _store() -> bool:
    return stores.current().get(random_id()) is None


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
