"""Plug-ins chosen by dotted path: the store, the queue, the token backend."""

from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string


@lru_cache(maxsize=16)
def plugin(path: str) -> Any:
    """The one instance of the class at ``path``. ImportError when there is none."""
    return import_string(path)()
