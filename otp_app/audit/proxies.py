"""Notice a proxy that hides its clients, so that everybody seems to come from one network and shares its limits.

The refusals of networks show it: those of a private address, which is a proxy's, and those of a network to which more
than half of a country's answered messages belong.
"""

import logging
import time
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings

from .. import counters, stores
from ..conf import conf
from ..db import clock
from ..errors import Limited
from ..keys import ledger_id
from ..limits import HOUR, WEEK, request_limits
from ..limits.values import Limit

logger = logging.getLogger("otp_app.clients")

_LIMITS = ("unconverted_per_subnet_day", "unconverted_per_network_day")
_COMPARED = ("answered_in_subnet", "answered_in_region")
_LEAST = 50  # answered messages of a week, from which on a network is compared with its country
_PRIVATE = [
    ip_network(each)
    for each in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
]


def examine(refused: Limited, phone: str, client: str | None) -> None:
    """Warn once in a process, and remember it for the doctor, if a refusal shows that a proxy hides its clients."""
    if refused.limit not in _LIMITS or client is None or settings.DEBUG:
        return
    limits = tuple(limit for limit in request_limits.for_send(phone, client).limits if limit.name in _COMPARED)
    if _is_private(client) or _prevails(limits, int(time.time()) // HOUR):
        _warn()


def suspected() -> bool:
    """Return whether a process has warned within the last week."""
    alias = counters.database()
    return counters.blocks(alias, [_key()]).get(_key(), 0) > clock.read_now(alias)


@cache
def _warn() -> None:
    logger.warning(
        "Most people seem to come from one network, or from a private address, and were refused by its limits. If a "
        "proxy stands before this service, set OTP_TRUSTED_PROXIES to the number of proxies that append to "
        "X-Forwarded-For (now %d).",
        conf.TRUSTED_PROXIES,
    )
    alias = counters.database()
    counters.block(alias, _key(), clock.read_now(alias) + WEEK * 1000)


def _is_private(client: str) -> bool:
    """Return whether a client is unknown or has an address that no person's request comes from."""
    if client == "unknown":
        return True
    address = ip_address(client.partition("/")[0])
    return any(address in network for network in _PRIVATE)


@lru_cache(maxsize=1024)
def _prevails(limits: tuple[Limit, ...], hour: int) -> bool:  # noqa: ARG001  (the store is asked once an hour)
    """Return whether more than half of a country's answered messages belong to a subnet."""
    answered = {usage.limit.name: usage.used for usage in stores.current().usage(limits)}
    in_subnet, in_region = (answered[name] for name in _COMPARED)
    return in_subnet >= _LEAST and 2 * in_subnet > in_region


def _key() -> str:
    return ledger_id("proxy", "hides clients")
