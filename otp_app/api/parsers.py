"""JSON, strictly: one object, no duplicate keys, no NaN, UTF-8, at most 4 KB."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from ..errors import InvalidRequest
from .problems import TooLarge

MOST = 4096  # bytes


class StrictJSONParser(BaseParser):
    """What is lenient elsewhere is an attack surface here: two readers of a duplicate key see two phones."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        raw = stream.read(MOST + 1)
        if len(raw) > MOST:
            raise TooLarge
        try:
            data = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):  # a nesting of thousands exhausts the stack before it is a value
            raise InvalidRequest({"body": [str(_("This is not valid JSON."))]}) from None
        if not isinstance(data, dict):
            raise InvalidRequest({"body": [str(_("A JSON object is expected."))]})
        return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
