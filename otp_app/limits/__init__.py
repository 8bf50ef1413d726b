"""Which limits a request takes, the arithmetic of their windows, and what a refused one is told."""

from .table import DAY, HOUR, MONTH, RINGS, TABLE, UNLIMITED, Line, On, amount_of, forgiven_ring

__all__ = [
    "DAY",
    "HOUR",
    "MONTH",
    "RINGS",
    "TABLE",
    "UNLIMITED",
    "Line",
    "On",
    "amount_of",
    "forgiven_ring",
]
