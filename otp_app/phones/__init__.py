"""Parse phone numbers strictly, admit them by country and kind, mask them; languages of countries, test numbers.

Every room above may call this one. It knows no challenge and no table.
"""

from .numbers import (
    HOME_REGION,
    INTERNATIONAL_PATTERN,
    MAX_CHARACTERS,
    MIN_CHARACTERS,
    PATTERN,
    Phone,
    allowed_regions,
    as_phone,
    assumed_region,
    example_number,
    mask,
    mask_subject,
    national_region,
    parse,
    served_regions,
    spaced,
    warm,
)

__all__ = [
    "HOME_REGION",
    "INTERNATIONAL_PATTERN",
    "MAX_CHARACTERS",
    "MIN_CHARACTERS",
    "PATTERN",
    "Phone",
    "allowed_regions",
    "as_phone",
    "assumed_region",
    "example_number",
    "mask",
    "mask_subject",
    "national_region",
    "parse",
    "served_regions",
    "spaced",
    "warm",
]
