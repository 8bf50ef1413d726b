"""Taking turns at an SQLite file, among all threads and processes that write to it.

Those who wait for SQLite's own lock look for it now and then, less and less often, so the unlucky look in vain for
seconds while others come and go. Here the system wakes who waits.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files import locks
from django.db import connections

_threads = threading.Lock()


@contextmanager
def turn(alias: str) -> Iterator[None]:
    """Keep out all others who take turns; do nothing on PostgreSQL and within a transaction."""
    connection: Any = connections[alias]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
    elif connection.is_in_memory_db():
        with _threads:
            yield
    else:
        with Path(f"{connection.settings_dict['NAME']}-turn").open("ab") as file:
            locks.lock(file, locks.LOCK_EX)  # until the file is closed
            yield
