"""Keep what operators rule by hand: who is shut, held open with an amount, or watched.

Services ask :func:`decide` before each send; the admin and the commands call :func:`make` and :func:`lift`.
"""

from .changes import lift, make, require_sense
from .kept import concerning, in_force
from .sends import decide, held_open
from .subjects import parse_phone, parse_prefix, parse_region, subject_of

__all__ = [
    "concerning",
    "decide",
    "held_open",
    "in_force",
    "lift",
    "make",
    "parse_phone",
    "parse_prefix",
    "parse_region",
    "require_sense",
    "subject_of",
]
