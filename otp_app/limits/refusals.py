"""What a refused request is told, whichever store has refused it."""

from collections.abc import Sequence

from ..errors import Block, Limited, OtpError, ProofRequired
from . import windows
from .values import Conversion, Usage

PROOFS = "proofs"  # the limit by which a proof of work is good for one send
CONVERSION = "conversion"
_OF_REGIONS = "sends_per_region_day"  # the counter that carries the block of a region


def reason(usages: Sequence[Usage]) -> OtpError:
    """Return the error for the limit that waits longest; ProofRequired for a proof of work that was used already."""
    longest = windows.longest(usage for usage in usages if usage.limit.name != PROOFS)
    if longest:
        return Limited(_name_of(longest), -(-longest.wait // 1000), subject=longest.limit.subject)
    if any(usage.wait for usage in usages):
        return ProofRequired()
    return Limited(usages[0].limit.name, 1)  # whoever took the last place has meanwhile given it back


def _name_of(usage: Usage) -> str:
    """Name what refuses: of a region that is blocked its conversion, not how many sends it had."""
    return CONVERSION if usage.blocked_until and usage.limit.name == _OF_REGIONS else usage.limit.name


def begins_block(usage: Usage) -> bool:
    """Say whether a refusal by this limit is to become a block."""
    limit = usage.limit
    return limit.blocks > 0 and not usage.blocked_until and usage.used + limit.cost > limit.amount


def block_of(usage: Usage, now: int) -> Block:
    """Return the block that begins when a limit would go beyond its amount."""
    limit = usage.limit
    why = f"{usage.used} of {limit.amount} in {limit.period} s"
    return Block(limit.key, limit.ring, limit.subject, limit.name, why, now, now + limit.blocks * 1000)


def conversion_block(judged: Conversion, sends: int, converted: int, now: int) -> Block:
    """Return the block of a region."""
    why = f"{converted} of {sends} sends were followed by a success"
    until = now + judged.blocks * 1000
    return Block(judged.key, judged.unconverted, judged.subject, CONVERSION, why, now, until)


def blocked(block: Block) -> Limited:
    """Return the refusal of the one request that begins a block."""
    return Limited(block.limit, (block.until - block.since) // 1000, subject=block.subject, block=block)
