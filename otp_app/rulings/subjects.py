"""Read whom an operator names: each subject has one spelling, and ValueError says what is wrong with another."""

import re
from collections.abc import Callable
from ipaddress import IPv6Network, ip_network

from django.utils.translation import gettext as _
from phonenumbers import SUPPORTED_REGIONS

from .. import phones
from ..errors import InvalidPhone
from ..phones import Phone

_PREFIX = re.compile(r"\+[1-9][0-9]{0,10}")
_SHORTEST_IPV6 = 64  # a client is a whole /64


def subject_of(kind: str, text: str) -> str:
    """Return the subject of a ruling, as ``network 192.0.2.0/24``."""
    return f"{kind} {_KINDS[kind](text.strip())}"


def parse_phone(text: str) -> Phone:
    try:
        return phones.parse(text, gate=False)
    except InvalidPhone as error:
        raise ValueError(error.detail) from None


def parse_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError(_("Give + and the first digits of the numbers: +99890123."))
    return text


def parse_network(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(_("Give an address or a network: 192.0.2.0/24.")) from None
    if isinstance(network, IPv6Network) and network.prefixlen > _SHORTEST_IPV6:
        network = network.supernet(new_prefix=_SHORTEST_IPV6)
    return str(network)


def parse_region(text: str) -> str:
    if text.upper() not in SUPPORTED_REGIONS:
        raise ValueError(_("Give a country by its two letters: UZ."))
    return text.upper()


_KINDS: dict[str, Callable[[str], str]] = {
    "phone": parse_phone,
    "prefix": parse_prefix,
    "network": parse_network,
    "region": parse_region,
}
