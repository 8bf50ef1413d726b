"""Keep key counters in the project's database, whichever store is in force: read, increment and block them.

Stores call this room, and delivery for circuit breakers and suppressions. Only the stores count what requests take.
"""

from .rings import HOUR_MS, expiry
from .rows import MONTH_MS, block, blocks, changing, count, database, recent_blocks

__all__ = [
    "HOUR_MS",
    "MONTH_MS",
    "block",
    "blocks",
    "changing",
    "count",
    "database",
    "expiry",
    "recent_blocks",
]
