"""Keep what operators rule by hand: who is shut, held open with an amount, or watched.

Services ask :func:`decide` before each send; the admin and the commands call :func:`make` and :func:`lift`.
"""

from .changes import lift, make, require_sense
from .kept import in_force
from .sends import decide
from .subjects import KINDS, subject_of

__all__ = ["KINDS", "decide", "in_force", "lift", "make", "require_sense", "subject_of"]
