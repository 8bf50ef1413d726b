"""Take turns at an SQLite file, among all threads and processes that write to it.

A writer that waits for SQLite's own lock polls it less and less often, so an unlucky one misses it for seconds while
others come and go. With a lock of the operating system, the system wakes the writer that waits.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.files import locks
from django.db import connections

_threads = threading.Lock()


@contextmanager
def turn(alias: str) -> Iterator[None]:
    """Keep out all others who take turns; do nothing on PostgreSQL and within a transaction."""
    connection: Any = connections[alias]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
    else:
        with _locked(connection) or _threads:
            yield


def _locked(connection: Any) -> IO[bytes] | None:
    """Return a file beside the database, locked until it is closed.

    None where the database is in memory or named by a URI, or the file is not ours to write: then only the threads of
    this process take turns, and SQLite's own lock keeps out the others.
    """
    name = str(connection.settings_dict["NAME"])
    if connection.is_in_memory_db() or name.startswith("file:"):
        return None
    try:
        file = Path(f"{name}-turn").open("ab")  # noqa: SIM115  (who takes the turn closes it)
    except OSError:
        return None
    locks.lock(file, locks.LOCK_EX)
    return file
