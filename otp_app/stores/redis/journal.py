"""Keep the journal of the Redis store: sends that a process has claimed and that are not in the database yet.

The script that opens a send writes its entry, so no send that could be forgotten reaches a provider. When the outcome
is known, the whole row is written (:mod:`..write_behind`), and the script of a later send removes the entry. The entry
of a process that died stays: after the lease it becomes a row that says *unknown*.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from ...challenges import Challenge
from ...models import Delivery
from .. import outbox, write_behind
from ..write_behind import Outcome

_MAX_REMOVED_ENTRIES = 100  # by one script


def require() -> None:
    """Raise the database's error while earlier sends cannot be written down, so that no further send begins."""
    write_behind.current().require()


def written() -> list[str]:
    """Return the entries that the next script may remove."""
    return write_behind.current().written(_MAX_REMOVED_ENTRIES)


def abandon(entry: str, get: Callable[[str], Challenge | None]) -> bool:
    """Write a send down as *unknown*; return False when its end is known, or its challenge long gone."""
    challenge_id, sent_at, provider, _, *named = json.loads(entry)
    challenge = get(challenge_id)
    if challenge is None:
        write_behind.current().forget(entry)
        return False
    sent = replace(challenge, sent_at=(int(sent_at),))
    claimed = {"provider": provider, "claimed_at": int(sent_at)}
    claimed |= {"reference": named[0]} if named else {}  # a process of the release before has not said it
    unknown = {"status": Delivery.Status.UNKNOWN.value, "error": "lease"}
    return write_behind.current().begin(Outcome(outbox.row_of(sent) | claimed | unknown, entry))
