"""Phone numbers: strict parsing, the gate, masking; their languages; those with a fixed code."""

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
