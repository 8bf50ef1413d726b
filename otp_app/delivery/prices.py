"""Estimate what messages cost, in OTP_CURRENCY, by the PRICE of their provider in OTP_PROVIDERS."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ..conf import conf, provider_entries

MAX_SEGMENT_PRICE = 1000  # in OTP_CURRENCY, excluded; times MAX_SEGMENTS it still fits the column


def price_of(alias: str, region: str, segments: int) -> Decimal | None:
    """Return the price of so many segments to a country; None where PRICE is missing or no number in its bounds.

    PRICE is that of one segment (or message, or call): a number, or a number for each country with ``*`` for the rest.
    """
    entries = (*provider_entries(), *conf.PROVIDERS)  # where an outbox file stands in for the providers, theirs too
    price = next((entry.get("PRICE") for entry in entries if entry["ALIAS"] == alias), None)
    return amount(price, region, segments)


def amount(price: object, region: str, segments: int = 1) -> Decimal | None:
    """Return what a PRICE says of a country; None where it is missing or no number in its bounds."""
    if isinstance(price, Mapping):
        price = price.get(region, price.get("*"))
    try:
        each = Decimal(str(price))
    except (
        InvalidOperation
    ):  # the message has left already, or the question was asked: a mistake in the settings must not undo that
        return None
    return each * segments if each.is_finite() and 0 <= each < MAX_SEGMENT_PRICE else None
