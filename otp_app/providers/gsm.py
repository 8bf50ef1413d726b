"""Know the GSM 03.38 alphabet, and count the SMS segments that a text takes."""

from math import ceil

# What fits 160 to a segment. Anything else makes the whole text UCS-2, 70 to a segment.
_ONE_PLACE = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_PLACES = frozenset("^{}\\[~]|€\f")
ALPHABET = _ONE_PLACE | _TWO_PLACES


def count_segments(body: str) -> int:
    """Return how many SMS segments a text takes, each of which costs (GSM 03.38 and 03.40: 160/153 or 70/67)."""
    if ALPHABET.issuperset(body):
        length, one, more = len(body) + sum(map(body.count, _TWO_PLACES)), 160, 153
    else:
        length, one, more = len(body.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= one else ceil(length / more)
