"""Keep what operators rule by hand: who is shut, held open with an amount, or watched.

Services ask :func:`decide` before each send; the admin and the commands call :func:`make` and :func:`lift`.
"""

from .changes import lift, make, require_sense
from .kept import concerning, in_force
from .sends import decide, held_open
from .subjects import KINDS, subject_of

__all__ = ["KINDS", "concerning", "decide", "held_open", "in_force", "lift", "make", "require_sense", "subject_of"]
