"""Check that each setting is of the type that ``Conf`` names, before other checks read the settings."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import wraps
from types import UnionType
from typing import Any, get_args, get_origin

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.functional import Promise

from ..conf import Conf, conf

Check = Callable[..., list[CheckMessage]]


def register(*tags: str, deploy: bool = False) -> Callable[[Check], Check]:
    """Register a check that reads settings. It is left out while one of a wrong type could break it."""

    def decorate(check: Check) -> Check:
        @wraps(check)
        def check_if_readable(**asked: Any) -> list[CheckMessage]:
            return [] if any(_wrong()) else check(**asked)

        checks.register(check_if_readable, *tags, deploy=deploy)
        return check

    return decorate


@checks.register
def check_types(**_: Any) -> list[CheckMessage]:
    """Find settings of a wrong type (E001)."""
    hint = 'docs/settings.md has examples. A list of one thing has brackets, too: ["UZ"]. True has no quotes.'
    return [Error(f"OTP_{name} must be of the type {kind}.", hint=hint, id="otp_app.E001") for name, kind in _wrong()]


def _wrong() -> Iterator[tuple[str, str]]:
    """Yield the name and type of each setting whose value is of another type."""
    for name, kind in Conf.__annotations__.items():
        if not _fits(getattr(conf, name), kind):
            text = kind.__name__ if isinstance(kind, type) else str(kind)
            yield name, re.sub(r"(\w+\.)+", "", text)  # without modules, as in docs/settings.md


def _fits(value: Any, kind: Any) -> bool:
    """Return whether a value is of a type that ``Conf`` uses. Of numbers ``check_numbers`` tells more."""
    inner = get_args(kind)
    if get_origin(kind) is UnionType:
        return any(_fits(value, each) for each in inner)
    if get_origin(kind) is Sequence:
        found = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
        return found and all(_fits(each, *inner) for each in value)
    if get_origin(kind) is Mapping:
        of_keys, of_values = inner
        found = isinstance(value, Mapping)
        return found and all(_fits(key, of_keys) and _fits(each, of_values) for key, each in value.items())
    return isinstance(value, str | Promise) if kind is str else kind in (Any, int) or isinstance(value, kind)
