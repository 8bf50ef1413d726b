"""Suppress messages to numbers that are bad for good, opted out, or not to be reached by a channel.

Calling a provider again would cost money and, with people who opted out, its goodwill. The requester is answered as
before: a number that a provider rejected is refused, and a number that a report named gets the answer of a normal send.
"""

from functools import partial

from django.db import transaction

from .. import counters, stores
from ..conf import conf
from ..db import clock
from ..keys import ledger_id
from ..models import Counter
from ..providers.base import Channel


def keys_of(phone: str, channel: str, *, reported: bool = False) -> list[str]:
    """Return the keys of the blocks that suppress a message to the phone by the channel."""
    return [_key(phone, "", reported), _key(phone, channel, reported)]


def suppress(phone: str, channel: str, *, reported: bool = False) -> None:
    """Suppress messages to the phone by the channel, "" for every channel, for OTP_SUPPRESSION.

    ``reported``: a report named the number, so requesters are not to notice.
    """
    alias, key = counters.database(), _key(phone, channel, reported)
    now = clock.read_now(alias)
    with counters.changing(alias, key) as counter:
        if counter.blocked_until <= now:
            counter.blocked_until = now + conf.SUPPRESSION * 1000
            counter.expires_at = counters.expiry(counter.blocked_until + counters.HOUR_MS)
    # Also where the block is there already: the store may have missed it.
    transaction.on_commit(partial(stores.share_blocks, {key: counter.blocked_until}), using=alias)


def suppressed_channels(phone: str) -> list[str]:
    """Return the channels that are suppressed for the phone now; "" stands for all channels."""
    keys = _keys(phone)
    alias = counters.database()
    now, blocked = clock.read_now(alias), counters.blocks(alias, list(keys))
    return sorted({keys[key] for key, until in blocked.items() if until > now})


def lift(phone: str) -> int:
    """End all suppressions of the phone and return how many there were.

    Raises Unavailable when the store cannot be reached: it would go on refusing the phone.
    """
    alias, keys = counters.database(), list(_keys(phone))
    lifted = Counter.objects.using(alias).filter(key__in=keys, blocked_until__gt=0).update(blocked_until=0)
    transaction.on_commit(partial(stores.current().set_blocks, dict.fromkeys(keys, 0)), using=alias)
    return lifted


def _keys(phone: str) -> dict[str, str]:
    return {_key(phone, channel, reported): channel for channel in ("", *Channel) for reported in (False, True)}


def _key(phone: str, channel: str, reported: bool) -> str:
    return ledger_id(f"{'reported' if reported else 'suppressed'} {channel}", phone)
