"""Validate what a person is asked to confirm, the context, and write it as the message shows it."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from ..errors import InvalidRequest

MEMBERS = ("amount", "payee", "text")  # in the order in which the message shows them
MAX_CHARACTERS = 60  # of all members together, with the ", " between them, so that they fit into one SMS
_BLANK = set("\u115f\u1160\u2800\u3164\uffa0\U0001d159")  # count as letters and symbols, and show nothing
_RIGHT_TO_LEFT = {"R", "AL", "AN"}  # beside such a letter the digits of an amount could be shown in another order


def encoded(context: Mapping[str, Any]) -> str:
    """Return a context as JSON, equal for equal contexts; raise InvalidRequest with errors under ``context``.

    A run of digits that looks like a code is taken, because order numbers are such runs and refusing some of them
    would fail by chance. Every text shows the code before the context instead.
    """
    if set(context) - set(MEMBERS):
        raise InvalidRequest(
            {"context": [_("This may have the members {names} only.").format(names=", ".join(MEMBERS))]}
        )
    wrong = [name for name, text in context.items() if not _is_plain(text)]
    if wrong:
        plain = _("This must be plain printable text, from left to right.")
        raise InvalidRequest({f"context.{name}": [plain] for name in wrong})
    if len(shown(context).encode("utf-16-le")) > 2 * MAX_CHARACTERS:  # SMS counts an emoji as two characters, too
        longest = _("This must have at most {longest} characters in all.").format(longest=MAX_CHARACTERS)
        raise InvalidRequest({"context": [longest]})
    return json.dumps(context, ensure_ascii=False, sort_keys=True)


def shown(context: Mapping[str, str]) -> str:
    """Return a context as the message shows it: its members in their order, with commas between them."""
    return ", ".join(context[name] for name in MEMBERS if name in context)


def is_visible(text: str) -> bool:
    """Return whether every character of a text is printable and shows something, if only a space."""
    return text.isprintable() and not _BLANK.intersection(text)


def _is_plain(text: Any) -> bool:
    """Tell whether a text shows what it holds: nothing invisible, no direction of its own, no marks upon letters."""
    if not isinstance(text, str) or not is_visible(text) or not text or text != text.strip():
        return False
    return not any(
        unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT or unicodedata.category(sign).startswith("M") for sign in text
    )
