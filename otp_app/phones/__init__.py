"""Phone numbers: strict parsing, the gate by country and kind, masking, languages of countries, test numbers.

Every room above may call it. It knows no challenge and no table.
"""

from .numbers import (
    HOME_REGION,
    LONGEST,
    Phone,
    allowed_regions,
    example,
    home,
    mask,
    mask_subject,
    of,
    parse,
    spaced,
    warm,
)

__all__ = [
    "HOME_REGION",
    "LONGEST",
    "Phone",
    "allowed_regions",
    "example",
    "home",
    "mask",
    "mask_subject",
    "of",
    "parse",
    "spaced",
    "warm",
]
