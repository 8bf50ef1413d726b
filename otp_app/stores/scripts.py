"""What goes into the scripts of the Redis store and what comes out of them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..challenges import Challenge, Charge, Conversion, Limit, Usage
from ..errors import Limited, OtpError
from . import reasons
from .rows import COLUMNS, challenge_of

_LIMIT = ("name", "counts", "amount", "period", "key", "cost", "steps", "proof", "blocks", "converts", "shared")

NAMES = (
    "open",
    "spend_send",
    "spend_check",
    "extend",
    "close",
    "undo_send",
    "take",
    "give_back",
    "usage",
    "lift",
    "recover",
)

Reply = dict[str, Any]


@cache
def lua(name: str) -> str:
    """One of the files in ``lua/``."""
    return (Path(__file__).with_name("lua") / f"{name}.lua").read_text() + "\n"


def document_of(challenge: Challenge) -> dict[str, Any]:
    """As it is kept in Redis; a script adds the generation to it."""
    return {name: getattr(challenge, name) for name in COLUMNS}


def challenge_from(document: dict[str, Any]) -> Challenge:
    return challenge_of(tuple(document[name] for name in COLUMNS))


def lane(device: str | bool) -> str:
    """Which half of a phone's document: that of its devices, or that of strangers."""
    return "d" if device else "s"


def charges_in(charges: Sequence[Charge]) -> list[Any]:
    return [(charge.key, charge.slot, charge.cost) for charge in charges]


def limits_in(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    return [{name: getattr(limit, name) for name in _LIMIT} for limit in limits]


def usages_of(limits: Sequence[Limit], reply: Reply) -> list[Usage]:
    return [Usage(limit, *numbers) for limit, numbers in zip(limits, reply["usages"], strict=True)]


def refusal(usages: list[Usage], reply: Reply) -> OtpError:
    """What a script has refused, and the block that it has begun."""
    if "begun" in reply:
        return reasons.blocked(reasons.block_of(usages[reply["begun"] - 1], reply["now"]))
    return reasons.reason(usages)


def poor_conversion(judged: Conversion, reply: Reply) -> Limited:
    """For the request that led to the block of a region."""
    return reasons.blocked(reasons.conversion_block(judged, reply["sends"], reply["converted"], reply["now"]))
