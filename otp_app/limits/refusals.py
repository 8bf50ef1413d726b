"""Make the error for a refused request, whichever store has refused it."""

from collections.abc import Sequence
from math import ceil

from ..errors import Limited, OtpError, ProofRequired
from . import windows
from .table import PROOFS
from .values import Usage


def error_for(usages: Sequence[Usage]) -> OtpError:
    """Return the error for the limit with the longest wait, or ProofRequired for a used proof of work."""
    longest = windows.longest(usage for usage in usages if usage.limit.name != PROOFS)
    if longest:
        return Limited(longest.limit.name, ceil(longest.wait / 1000), subject=longest.limit.subject)
    if used := next((usage.limit for usage in usages if usage.wait), None):
        return ProofRequired(limit=used.name, subject=used.subject)
    return Limited(usages[0].limit.name, 1)  # another request took the last place and has given it back since


def proof_for(usages: Sequence[Usage]) -> OtpError:
    """Return the error that asks for a proof of work, with the first limit of which more than half is used."""
    asking = next(usage.limit for usage in usages if windows.needs_proof(usage))
    return ProofRequired(limit=asking.name, subject=asking.subject)
