"""What goes into the scripts of the Redis store and what comes out of them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, lru_cache
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
    "settle",
    "hold",
    "recover",
)

Reply = dict[str, Any]


@cache
def lua(name: str) -> str:
    """One of the files in ``lua/``."""
    return (Path(__file__).with_name("lua") / f"{name}.lua").read_text() + "\n"


@cache
def whole(name: str) -> tuple[str, str]:
    """A script behind what all of them share, and the digest by which a server knows it."""
    script = lua("documents") + lua("windows") + lua(name)
    return script, hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


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


def limits_in(limits: Sequence[Limit]) -> str:
    return f"[{','.join(map(_limit_in, limits))}]"


@lru_cache(maxsize=256)
def conversion_in(judged: Conversion) -> dict[str, Any]:
    return asdict(judged)


@lru_cache(maxsize=1024)
def _limit_in(limit: Limit) -> str:
    """Kept, for most of a request's limits are those of every request."""
    return json.dumps({name: getattr(limit, name) for name in _LIMIT})


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
