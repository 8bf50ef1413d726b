"""The journal of the Redis store: sends that were taken on by a process, until they are in the database.

The script that opens a send writes its entry, so none is handed over that could be forgotten. When its end is known its
whole row is written (:mod:`.behind`), and the entry goes with the script of a later send. Of a process that has died
the entry stays: after the lease it becomes a row that says *unknown*.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from ...challenges import Challenge
from ...models import Delivery
from .. import outbox, write_behind
from ..write_behind import Ended

_MOST = 100  # entries that one script removes


def require() -> None:
    """Raise what the database raised when what was sent could not be written down: then nothing more is begun."""
    write_behind.current().require()


def written() -> list[str]:
    """Return the entries that the next script may remove."""
    return write_behind.current().written(_MOST)


def abandon(entry: str, get: Callable[[str], Challenge | None]) -> bool:
    """Write a send down as *unknown*; return False when its end is known, or its challenge long gone."""
    challenge_id, sent_at, provider, unconverted, *named = json.loads(entry)
    challenge = get(challenge_id)
    if challenge is None:
        write_behind.current().forget(entry)
        return False
    sent = replace(challenge, sent_at=(int(sent_at),))
    claimed = {"provider": provider, "claimed_at": int(sent_at), "unconverted": unconverted}
    claimed |= {"reference": named[0]} if named else {}  # a process of the release before has not said it
    unknown = {"status": Delivery.Status.UNKNOWN.value, "error": "lease"}
    return write_behind.current().begin(Ended(outbox.row_of(sent) | claimed | unknown, entry))
