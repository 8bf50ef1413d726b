"""Define a challenge, the code that answers it, and the policy of both: frozen values and pure functions.

Every room above may call this one. Nothing here reads or writes a store.
"""

from .challenge import (
    Challenge,
    ChallengeState,
    Claim,
    ClaimedDelivery,
    Claims,
    Grant,
    Increment,
    Status,
    is_id,
    random_id,
)

__all__ = [
    "Challenge",
    "ChallengeState",
    "Claim",
    "ClaimedDelivery",
    "Claims",
    "Grant",
    "Increment",
    "Status",
    "is_id",
    "random_id",
]
