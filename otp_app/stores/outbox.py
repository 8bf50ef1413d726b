"""The outbox: a queued delivery for every send, in the database whichever store the challenges are in."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from .. import writes
from ..challenges import Challenge, Claim, Claiming
from ..keys import ledger_id, phone_key
from ..models import Delivery
from ..phones import region_of
from ..queries import Condition, Part, Rows
from . import counters


def id_of(challenge: Challenge, number: int) -> str:
    """Our id of a hand-over of the challenge's last send: the same in every process, and not to be guessed."""
    return ledger_id("handover", f"{challenge.id} {challenge.sent_at[-1]} {number}")


def claim_of(challenge: Challenge, claiming: Claiming | None) -> Claim | None:
    """How it is taken on; by nobody who could be asked where its channel is on offer no more."""
    if not claiming:
        return None
    return claiming(challenge.phone, challenge.channel).get(challenge.channel, Claim(""))


def row_of(challenge: Challenge, claim: Claim | None, now: int, unconverted: int = 0) -> dict[str, Any]:
    """The delivery of the challenge's last send, as it begins. ``unconverted``: its field."""
    row = {
        "challenge": challenge.id,
        "phone": phone_key(challenge.phone, challenge.device),
        "device": bool(challenge.device),
        "region": region_of(challenge.phone),
        "sent_at": challenge.sent_at[-1],
        "channel": challenge.channel,
        "unconverted": unconverted,
        "status": Delivery.State.QUEUED.value,
        "created_at": (written := timezone.now()),
        "updated_at": written,
    }
    if claim:
        row |= {"provider": claim.provider, "reference": id_of(challenge, 1), "claimed_at": max(now, 1)}
    return row


def queueing(alias: str, row: Mapping[str, Any], claim: Claim | None, only: Condition | None = None) -> list[Part]:
    """Write a row down, and look at what the claim watches."""
    parts = [writes.inserting(alias, Delivery, row, only)]
    return [*parts, counters.looking(claim.watched)] if claim and claim.watched else parts


def blocked(rows: Sequence[Rows]) -> dict[str, int]:
    """What the look has found, of the answers to ``queueing``."""
    return counters.blocks_of(rows[1]) if len(rows) > 1 else {}


def mark_converted(alias: str, challenges: Sequence[str]) -> None:
    """Remember, for the operator's report, that a sign-in followed, when the store is about to forget."""
    if challenges:
        sent = Delivery.objects.using(alias).exclude(status=Delivery.State.FAILED)  # by those that failed none did
        sent.filter(challenge__in=challenges).update(converted=True)
