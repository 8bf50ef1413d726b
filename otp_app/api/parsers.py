"""Parse JSON strictly: one object, no duplicate keys, no NaN, UTF-8, at most 4 KiB."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from .. import bodies
from ..errors import InvalidRequest


class StrictJSONParser(BaseParser):
    """Refuse what other parsers forgive: two readers of a duplicate key could see two different phones."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the object in the body. Raise BodyTooLarge or InvalidRequest."""
        raw = bodies.read(stream, bodies.MAX_API_BYTES)
        try:
            data = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse_nan)
        except (ValueError, RecursionError):  # thousands of nested arrays exhaust the stack
            raise InvalidRequest({"body": [str(_("This is not valid JSON."))]}) from None
        if not isinstance(data, dict):
            raise InvalidRequest({"body": [str(_("A JSON object is expected."))]})
        return data


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _refuse_nan(name: str) -> None:
    raise ValueError(name)
