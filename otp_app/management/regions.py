"""Read a country that an operator names."""

from argparse import ArgumentTypeError

from phonenumbers import SUPPORTED_REGIONS


def region(text: str) -> str:
    """Return the ISO 3166 code. Raise ArgumentTypeError if it is none."""
    if text.upper() not in SUPPORTED_REGIONS:
        raise ArgumentTypeError("a country by its two letters, as UZ")
    return text.upper()
