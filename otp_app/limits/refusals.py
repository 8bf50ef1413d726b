"""Make the error for a refused request, whichever store has refused it."""

from collections.abc import Sequence
from math import ceil

from ..errors import Block, Limited, OtpError, ProofRequired
from . import windows
from .table import CONVERSION, PROOFS
from .values import Conversion, Usage

_REGION_RULE = "sends_per_region_day"  # the rule whose counter carries the block of a region


def error_for(usages: Sequence[Usage]) -> OtpError:
    """Return the error for the limit with the longest wait, or ProofRequired for a used proof of work."""
    longest = windows.longest(usage for usage in usages if usage.limit.name != PROOFS)
    if longest:
        return Limited(_name_of(longest), ceil(longest.wait / 1000), subject=longest.limit.subject)
    if any(usage.wait for usage in usages):
        return ProofRequired()
    return Limited(usages[0].limit.name, 1)  # another request took the last place and has given it back since


def _name_of(usage: Usage) -> str:
    """Return the name of the limit that refuses; a blocked region is refused by its conversion."""
    return CONVERSION if usage.blocked_until and usage.limit.name == _REGION_RULE else usage.limit.name


def begins_block(usage: Usage) -> bool:
    """Return whether a refusal by this limit begins a block."""
    limit = usage.limit
    return limit.blocks > 0 and not usage.blocked_until and usage.used + limit.cost > limit.amount


def block_of(usage: Usage, now: int) -> Block:
    """Return the block that begins because a limit would exceed its amount."""
    limit = usage.limit
    why = f"{usage.used} of {limit.amount} in {limit.period} s"
    return Block(limit.key, limit.ring, limit.subject, limit.name, why, now, now + limit.blocks * 1000)


def conversion_block(judged: Conversion, sends: int, converted: int, now: int) -> Block:
    """Return the block of a region whose conversion is too low."""
    why = f"{converted} of {sends} sends were followed by a success"
    until = now + judged.blocks * 1000
    return Block(judged.key, judged.unconverted, judged.subject, CONVERSION, why, now, until)


def blocked(block: Block) -> Limited:
    """Return the refusal of the request that begins a block."""
    return Limited(block.limit, (block.until - block.since) // 1000, subject=block.subject, block=block)
