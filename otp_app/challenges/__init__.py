"""A challenge, the code that answers it, and the policy that both follow. Values and pure functions."""

from .challenge import Challenge, Charge, Claim, Claims, Draft, Grant, State, Status, is_id, random_id

__all__ = [
    "Challenge",
    "Charge",
    "Claim",
    "Claims",
    "Draft",
    "Grant",
    "State",
    "Status",
    "is_id",
    "random_id",
]
