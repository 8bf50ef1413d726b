"""The outbox: a queued delivery for every send, in the database whichever store the challenges are in."""

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
    """Return the alias of the database that challenges and deliveries are in."""
    return router.db_for_write(Delivery)


def id_of(challenge: Challenge, number: int) -> str:
    """Return our id of a hand-over of the challenge's last send: the same in every process, and not to be guessed."""
    return ledger_id("handover", f"{challenge.id} {challenge.sent_at[-1]} {number}")


def begun(phone: Phone, device: str, *, claimed: bool) -> dict[str, Any]:
    """Return the delivery of a send that is yet to be asked for.

    One that is claimed with its send has its reference from here on: who writes it down cannot derive one.
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
    """Return the delivery of the challenge's last send as nobody has taken it on."""
    sent = {"challenge": challenge.id, "sent_at": challenge.sent_at[-1], "channel": challenge.channel}
    return begun(phones.of(challenge.phone), challenge.device, claimed=False) | sent


def mark_converted(alias: str, challenges: Sequence[str]) -> None:
    """Remember, for the operator's report, that a sign-in followed, when the store is about to forget."""
    if challenges:
        sent = Delivery.objects.using(alias).exclude(status=Delivery.Status.FAILED)  # by those that failed none did
        sent.filter(challenge__in=challenges).update(converted=True)
