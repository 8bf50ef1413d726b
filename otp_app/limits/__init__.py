"""Hold the table of limits, choose the rules that a request takes, compute windows, and make errors of refusals.

Stores call this room to judge, and services and audit call it. It asks no store.
"""

from .table import BUCKETS, DAY, HOUR, MONTH, RINGS, TABLE, WEEK, Rule, Trigger, amount_of

__all__ = [
    "BUCKETS",
    "DAY",
    "HOUR",
    "MONTH",
    "RINGS",
    "TABLE",
    "WEEK",
    "Rule",
    "Trigger",
    "amount_of",
]
