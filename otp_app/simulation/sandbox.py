"""Isolate a simulation: a database in memory, stopped time, no message, no log record, no signal."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from django.db.models import signals as model_signals
from django.db.utils import ConnectionHandler
from django.dispatch import Signal
from django.test import override_settings

from .. import signals
from ..conf import provider_entries
from ..db import clock
from ..models import BlockRow, ChallengeRow, Counter, Delivery, DevicesEnd, EventRow, Failure, KeptAnswer, LineLookup
from ..providers import memory
from . import numbers

ALIAS = "otp_app_lab"
# A fixed instant, so that a run does not depend on when it runs; far ahead, because ALTCHA compares a proof's expiry
# with the machine's own clock.
START_MS = 4_102_444_800_000  # 2100-01-01

_TABLES = (ChallengeRow, Counter, Failure, BlockRow, Delivery, EventRow, DevicesEnd, KeptAnswer, LineLookup)
_MUTED: tuple[Signal, ...] = (
    *(each for each in vars(signals).values() if isinstance(each, Signal)),
    connection_created,
    model_signals.pre_init,
    model_signals.post_init,
    model_signals.pre_save,
    model_signals.post_save,
    model_signals.pre_delete,
    model_signals.post_delete,
)


class Router:
    """Route all of the app's tables to the sandbox."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return ALIAS if model._meta.app_label == "otp_app" else None

    db_for_write = db_for_read


@contextmanager
def sandbox(**changed: Any) -> Iterator[clock.Stopped]:
    """Keep the services away from the project's data within the context; ``changed`` are settings of the world.

    The project's limits, routes and prices stay in force; each of its providers only keeps its messages in memory.
    """
    with ExitStack() as stack:
        stack.enter_context(_silence())
        stack.enter_context(override_settings(OTP_OUTBOX_FILE=""))  # which stands for all providers
        stack.enter_context(override_settings(**(_overrides() | changed)))
        stack.enter_context(_database())
        memory.outbox.clear()
        stack.callback(memory.outbox.clear)
        yield stack.enter_context(clock.stopped(START_MS))


def _overrides() -> dict[str, Any]:
    return {
        "DEBUG": False,  # with DEBUG, Django would keep every query
        "DATABASE_ROUTERS": [Router(), *settings.DATABASE_ROUTERS],
        "OTP_PROVIDERS": _in_memory(),
        "OTP_PUBLIC_URL": "",
        "OTP_STORE": "otp_app.stores.sql.SqlStore",
        "OTP_QUEUE": "otp_app.queues.inline.InlineQueue",
        "OTP_WRITE_BEHIND": 0,
        "OTP_CLOCK_OFFSET_FILE": "",
        "OTP_TEST_NUMBERS": {},
        "OTP_ALLOWED_REGIONS": numbers.regions(),
        "OTP_PROOF_COST": 1,  # cheap but real proofs: the report says what they would have cost
    }


def _in_memory() -> list[dict[str, Any]]:
    """Return the project's providers with their aliases and prices, each carrying any message nowhere.

    The file of OTP_OUTBOX_FILE would stand for all of them, and the project's routes would lead to nobody.
    """
    with override_settings(OTP_OUTBOX_FILE=""):
        entries = provider_entries()
    kept = [{name: value for name, value in entry.items() if name in ("ALIAS", "PRICE")} for entry in entries]
    return [entry | {"BACKEND": "otp_app.providers.memory.MemoryProvider"} for entry in kept]


@contextmanager
def _database() -> Iterator[None]:
    """Open a database that the project's settings do not know, with the app's tables only."""
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    connections.databases[ALIAS] = ConnectionHandler({DEFAULT_DB_ALIAS: config}).databases[DEFAULT_DB_ALIAS]
    connection = connections[ALIAS]
    try:
        with connection.schema_editor() as editor:
            for table in _TABLES:
                editor.create_model(table)
        yield
    finally:
        connection.close()
        del connections[ALIAS]
        del connections.databases[ALIAS]


@contextmanager
def _silence() -> Iterator[None]:
    """Keep simulated events from the project's signal receivers and log handlers."""
    receivers = [signal.receivers for signal in _MUTED]
    ours = [name for name in logging.root.manager.loggerDict if f"{name}.".startswith("otp_app.")]
    loggers = [logging.getLogger(name) for name in {"otp_app", *ours}]
    levels = [logger.level for logger in loggers]
    try:
        for signal in _MUTED:
            _set_receivers(signal, [])
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for signal, before in zip(_MUTED, receivers, strict=True):
            _set_receivers(signal, before)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _set_receivers(signal: Signal, receivers: list[Any]) -> None:
    signal.receivers = receivers
    signal.sender_receivers_cache.clear()
