"""Numbers that get nothing more for a while: bad for good, opted out, or not to be reached by a channel.

Asking a provider again would cost money and, with those who opted out, its goodwill. Who asks is answered as before: a
number that was refused is refused, and of one that a report has told of it is not said that nothing leaves.
"""

from functools import partial

from django.db import router, transaction

from .. import counters, stores
from ..conf import conf
from ..db import clock
from ..keys import ledger_id
from ..models import Counter
from ..providers.base import Channel


def keys_of(phone: str, channel: str, *, reported: bool = False) -> list[str]:
    """Under which names a message by that channel may be held back."""
    return [_key(phone, "", reported), _key(phone, channel, reported)]


def suppress(phone: str, channel: str, *, reported: bool = False) -> None:
    """Nothing more to this number by that channel, or with "" by any, for OTP_SUPPRESSION."""
    alias, key = router.db_for_write(Counter), _key(phone, channel, reported)
    now = clock.read_now(alias)
    with counters.changing(alias, key) as counter:
        if counter.blocked_until <= now:
            counter.blocked_until = now + conf.SUPPRESSION * 1000
            counter.expires_at = counters.expiry(counter.blocked_until + counters.HOUR)
    # Also where it is held already: the store may not have been told.
    transaction.on_commit(partial(stores.share_blocks, {key: counter.blocked_until}), using=alias)


def held(phone: str) -> list[str]:
    """The channels by which nothing goes to a number for now; "" stands for all of them."""
    keys = _keys(phone)
    alias = router.db_for_write(Counter)
    now, blocked = clock.read_now(alias), counters.blocks(alias, list(keys))
    return sorted({keys[key] for key, until in blocked.items() if until > now})


def lift(phone: str) -> int:
    """End all suppressions of a number; how many there were. Raises Unavailable where the store goes on refusing it."""
    alias, keys = router.db_for_write(Counter), list(_keys(phone))
    lifted = Counter.objects.using(alias).filter(key__in=keys, blocked_until__gt=0).update(blocked_until=0)
    transaction.on_commit(partial(stores.current().set_blocks, dict.fromkeys(keys, 0)), using=alias)
    return lifted


def _keys(phone: str) -> dict[str, str]:
    return {_key(phone, channel, reported): channel for channel in ("", *Channel) for reported in (False, True)}


def _key(phone: str, channel: str, reported: bool) -> str:
    return ledger_id(f"{'reported' if reported else 'suppressed'} {channel}", phone)
