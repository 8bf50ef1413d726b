"""Key counters in the database, whichever store is in force: read, incremented, blocked; their rings."""

from .rows import HOUR, MONTH, block, blocks, changing, count, expiry, holds

__all__ = [
    "HOUR",
    "MONTH",
    "block",
    "blocks",
    "changing",
    "count",
    "expiry",
    "holds",
]
