"""Find the views of a project that authenticate by a library's own class."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver


def views_with(authentication_class: str) -> list[str]:
    """Return the views that authenticate by the class at this path; not by a subclass, which may take rights away.

    The library's own views, such as one that signs out, act for nobody but the caller.
    """
    if not getattr(settings, "ROOT_URLCONF", None):  # a project of services only
        return []
    package = authentication_class.partition(".")[0]
    found = {_path_of(view) for view in _views(get_resolver()) if authentication_class in _classes_of(view)}
    return sorted(path for path in found if path.partition(".")[0] != package)


def _views(resolver: URLResolver) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield getattr(pattern.callback, "cls", None)  # where Django REST framework notes the class of a view
        else:
            yield from _views(pattern)


def _classes_of(view: Any) -> set[str]:
    return {_path_of(each) for each in getattr(view, "authentication_classes", ())}


def _path_of(each: Any) -> str:
    return f"{each.__module__}.{each.__name__}"
