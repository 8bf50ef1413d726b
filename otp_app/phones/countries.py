"""Name countries by CLDR's names, which ``tools/countries.py`` writes into ``countries.json``."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.utils.translation import get_language


def names(regions: Iterable[str]) -> dict[str, str]:
    """Name ISO 3166 codes in the language in force, else in English; leave ``*`` and unknown codes out."""
    every = _names()
    known = every.get((get_language() or "").partition("-")[0], every["en"])
    return {region: known[region] for region in regions if region in known}


@cache
def _names() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return found
