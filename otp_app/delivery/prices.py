"""What messages cost, by the PRICE of their provider in OTP_PROVIDERS, in OTP_CURRENCY."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ..conf import provider_entries

MOST = 1000  # for one segment; times the most segments it still fits its column


def price_of(alias: str, region: str, segments: int) -> Decimal | None:
    """The price of so many segments to a country; None where no price is known, or none that is a number.

    PRICE is that of one segment (or message, or call): a number, or one for each country with ``*`` for the rest.
    """
    price = next((entry.get("PRICE") for entry in provider_entries() if entry["ALIAS"] == alias), None)
    if isinstance(price, Mapping):
        price = price.get(region, price.get("*"))
    try:
        each = Decimal(str(price))
    except InvalidOperation:  # the message has left already: a mistake in the settings must not undo that
        return None
    return each * segments if each.is_finite() and 0 <= each < MOST else None
