"""Key counters in the project's database, whichever store is in force: read, incremented, blocked, and their rings.

Called by stores, and by delivery for circuit breakers and suppressions. What a request's limits take is counted by the
stores alone.
"""

from .rows import HOUR, MONTH, block, blocks, changing, count, expiry, recent_blocks

__all__ = [
    "HOUR",
    "MONTH",
    "block",
    "blocks",
    "changing",
    "count",
    "expiry",
    "recent_blocks",
]
