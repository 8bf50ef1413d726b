"""Keep the outbox: a queued delivery for every send, in the database whichever store the challenges are in."""

from collections.abc import Sequence
from typing import Any

from django.db import router
from django.utils import timezone

from .. import phones
from ..challenges import Challenge, random_id
from ..keys import ledger_id, phone_key
from ..models import Delivery
from ..phones import Phone


def database() -> str:
    """Return the alias of the database that the app's own rows are in."""
    return router.db_for_write(Delivery)


def id_of(challenge: Challenge, number: int) -> str:
    """Return our id of a delivery attempt of the challenge's last send; each process derives it, nobody guesses it."""
    return ledger_id("handover", f"{challenge.id} {challenge.sent_at[-1]} {number}")


def begun(phone: Phone, device: str, *, claimed: bool) -> dict[str, Any]:
    """Return the row of a delivery whose send the store has not been asked for yet.

    A delivery that is claimed with its send gets its reference here, because the server cannot derive one.
    """
    now = timezone.now()
    row = {
        "phone": phone_key(phone, device) if device else phone.key,
        "device": bool(device),
        "region": phone.region,
        "unconverted": 0,
        "status": Delivery.Status.QUEUED.value,
        "created_at": now,
        "updated_at": now,
    }
    return row | ({"reference": random_id()} if claimed else {})


def row_of(challenge: Challenge) -> dict[str, Any]:
    """Return the row of the unclaimed delivery of the challenge's last send."""
    sent = {"challenge": challenge.id, "sent_at": challenge.sent_at[-1], "channel": challenge.channel}
    return begun(phones.as_phone(challenge.phone), challenge.device, claimed=False) | sent


def mark_converted(alias: str, challenges: Sequence[str]) -> None:
    """Mark the sends of these challenges as followed by a sign-in, for the operator's report."""
    if challenges:
        sent = Delivery.objects.using(alias).exclude(status=Delivery.Status.FAILED)  # by those that failed none did
        sent.filter(challenge__in=challenges).update(converted=True)
