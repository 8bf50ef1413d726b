"""Give a person what is theirs: a copy of their data, and its end.

The API may call it, and a project's own views and programs.
"""

from .erasure import KEPT_DAYS, erase
from .export import copy_of

__all__ = ["KEPT_DAYS", "copy_of", "erase"]
