"""Check whom OTP_LINE_CHECK asks about numbers."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from ..conf import conf
from ..delivery import prices
from .providers import is_price
from .types import register

_ENTRY = '{"BACKEND": "otp_app.providers.twilio_lookup.TwilioLookup", "OPTIONS": {…}, "PRICE": "0.01"}'


@register()
def check_line_check(**_: Any) -> list[CheckMessage]:
    """Find a value of OTP_LINE_CHECK by which nobody could be asked (E048)."""
    if conf.LINE_CHECK is None:
        return []
    hint = f"Write an entry like {_ENTRY}, or None to ask nobody: docs/recycled-numbers.md."
    return [Error(f"OTP_LINE_CHECK {text}.", hint=hint, id="otp_app.E048") for text in _mistakes(conf.LINE_CHECK)]


def _mistakes(entry: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(entry.get("BACKEND"), str):
        yield 'needs a "BACKEND", the dotted path of a class'
        return
    path, options = entry["BACKEND"], entry.get("OPTIONS", {})
    try:
        inspect.signature(import_string(path)).bind(**options)
    except ImportError as error:
        yield f"names {path!r}, which cannot be imported: {error}"
    except TypeError as error:
        yield f"has OPTIONS that do not fit {path!r}: {error}"
    price = entry.get("PRICE")
    if not all(map(is_price, price.values() if isinstance(price, Mapping) else [price])):
        yield f"has a PRICE that is not an amount of money from 0 to below {prices.MAX_SEGMENT_PRICE}"
