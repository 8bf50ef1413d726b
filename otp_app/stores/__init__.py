"""Keep challenges and counters, in the store that OTP_STORE names; services and deliveries may call it."""

from collections.abc import Mapping
from contextlib import suppress

from ..conf import conf, plugin
from ..errors import Unavailable
from .base import Store


def current() -> Store:
    store: Store = plugin(conf.STORE)
    return store


def share_blocks(blocks: Mapping[str, int]) -> None:
    """Tell the store until when keys are blocked; ignore its outage, which only has a provider asked in vain."""
    with suppress(Unavailable):
        current().set_blocks(blocks)
