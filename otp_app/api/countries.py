"""List the countries that are served, so that a client can have a person choose one."""

from functools import lru_cache
from typing import Any

import phonenumbers
from django.core.signals import setting_changed
from django.utils.translation import override

from .. import phones
from ..delivery import routing
from ..phones import countries
from ..phones.languages import LANGUAGES
from .fields import Json

MAX_AGE = 24 * 3600  # seconds for which clients and caches may keep the list


@lru_cache(maxsize=len(LANGUAGES))
def listed(language: str) -> dict[str, Json]:
    """Return the served countries by region, in the order of their names in a language.

    Leave out what no route leads to, and what has no mobile numbers.
    """
    with override(language):
        named = sorted(countries.names(phones.served_regions()).items(), key=lambda country: country[1])
    every = (_country(region, name) for region, name in named)
    return {country["region"]: country for country in every if country["channels"] and country["example"]}


def _country(region: str, name: str) -> Json:
    return {
        "region": region,
        "name": name,
        "calling_code": f"+{phonenumbers.country_code_for_region(region)}",
        "channels": routing.channels_of(region),
        "example": phones.example_number(region),
    }


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(("OTP_", "TWILIO_")):
        listed.cache_clear()


setting_changed.connect(_forget)
