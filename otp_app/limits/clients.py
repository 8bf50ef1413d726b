"""Identify the client that limits count.

Anybody can write ``X-Forwarded-For``. So it is read from the right, past as many entries as the operator has proxies,
and not at all if it has fewer entries, or no address at that place.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.core.signals import setting_changed

from .. import notices
from ..conf import conf

logger = logging.getLogger("otp_app.clients")

_UNKNOWN = "unknown"
_MAX_CHARACTERS = 80  # an IPv6 address with a zone, brackets and a port
_UNTRUSTED_PROXY = (
    "A request has X-Forwarded-For, but OTP_TRUSTED_PROXIES is 0. If your proxy sets it, all clients count as one and "
    "share its limits: set OTP_TRUSTED_PROXIES to the number of your proxies."
)
_NOT_FORWARDED = (
    "OTP_TRUSTED_PROXIES is %d, but a request has fewer addresses than that in X-Forwarded-For. If it came through "
    "your proxies, all clients count as one and share its limits: have each proxy add the address of its client to "
    "X-Forwarded-For, or set OTP_TRUSTED_PROXIES to the number of those that do."
)


def client_of(meta: Mapping[str, str]) -> str:
    """Return the client of a request: an IPv4 address or an IPv6 /64, else ``unknown``; ``meta`` is ``request.META``.

    Warn if the proxies and OTP_TRUSTED_PROXIES do not agree.
    """
    address = meta.get("REMOTE_ADDR", "")
    if conf.TRUSTED_PROXIES > 0:
        forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= conf.TRUSTED_PROXIES and _parse(forwarded[-conf.TRUSTED_PROXIES].strip()):
            address = forwarded[-conf.TRUSTED_PROXIES]
        else:
            notices.warn(logger, _NOT_FORWARDED, conf.TRUSTED_PROXIES)
    elif "HTTP_X_FORWARDED_FOR" in meta:
        notices.warn(logger, _UNTRUSTED_PROXY)
    return client_at(address)


def client_at(address: str) -> str:
    """Return the client at an address: an IPv4 address or an IPv6 /64, else ``unknown``.

    A subscriber is given at least a /64 (RFC 6177), so all its addresses count as one.
    """
    text = address.strip()
    return _client(text) if len(text) <= _MAX_CHARACTERS else _UNKNOWN


def site_of(client: str) -> str:
    """Return the IPv6 /48 of a client, which one site may be given (RFC 6177); "" for IPv4."""
    return subnet_of(client) if ":" in client else ""


def subnet_of(client: str) -> str:
    """Return the IPv4 /24 or IPv6 /48 of a client: what one office or one small provider has."""
    return _around(client, 24, 48)


def network_of(client: str) -> str:
    """Return the IPv4 /16 or IPv6 /32 of a client: what providers hand out at the least (RIPE-738)."""
    return _around(client, 16, 32)


@lru_cache(maxsize=4096)
def is_home(client: str) -> bool:
    """Return whether a client belongs to one of OTP_HOME_NETWORKS."""
    address = _parse(client.partition("/")[0])
    return address is not None and any(address in network for network in _home_networks())


@lru_cache(maxsize=1)
def _home_networks() -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(each) for each in conf.HOME_NETWORKS)


@lru_cache(maxsize=4096)
def _around(client: str, bits_of_4: int, bits_of_6: int) -> str:
    """Return the network of a client; the client itself if it is no address, as ``unknown``."""
    address = _parse(client.partition("/")[0])
    if address is None:
        return client
    if isinstance(address, IPv4Address):  # as text, because most clients have one and ipaddress takes much longer
        kept = str(address).split(".")[: bits_of_4 // 8]
        return f"{'.'.join([*kept, '0', '0', '0'][:4])}/{bits_of_4}"
    return str(ip_network((address, bits_of_6), strict=False))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "OTP_HOME_NETWORKS":
        _home_networks.cache_clear()
        is_home.cache_clear()


setting_changed.connect(_forget)


@lru_cache(maxsize=4096)
def _client(text: str) -> str:
    ip = _parse(text)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if isinstance(ip, IPv6Address):
        return str(IPv6Network((int(ip) >> 64 << 64, 64)))
    return str(ip) if ip else _UNKNOWN


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; a text longer than any address is not cached, because a client may have written it."""
    return _parse_cached(text) if len(text) <= _MAX_CHARACTERS else None


@lru_cache(maxsize=4096)
def _parse_cached(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address to which a proxy may have appended the port: ``192.0.2.1:4711``, ``[2001:db8::1]:4711``."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    for candidate in (host, host.rpartition(":")[0] if host.count(":") == 1 else host):
        try:
            return ip_address(candidate.partition("%")[0])
        except ValueError:
            continue
    return None
