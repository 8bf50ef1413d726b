"""Limits: the table, which of its lines a request takes, the arithmetic of their windows, what a refusal says.

Called by stores, which judge by it, and by services and audit. It asks no store.
"""

from .table import DAY, HOUR, MONTH, RINGS, TABLE, UNLIMITED, Rule, Trigger, amount_of, forgiven_ring

__all__ = [
    "DAY",
    "HOUR",
    "MONTH",
    "RINGS",
    "TABLE",
    "UNLIMITED",
    "Rule",
    "Trigger",
    "amount_of",
    "forgiven_ring",
]
