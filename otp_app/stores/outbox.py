"""The outbox: a queued delivery for every send, in the database whichever store the challenges are in."""

from collections.abc import Sequence

from ..challenges import Challenge
from ..keys import phone_key
from ..models import Delivery
from ..phones import region_of


def queue(alias: str, challenge: Challenge, unconverted: int = 0) -> None:
    """The delivery of the challenge's last send. ``unconverted``: see the field of that name."""
    Delivery.objects.using(alias).create(
        challenge=challenge.id,
        phone=phone_key(challenge.phone, challenge.device),
        device=bool(challenge.device),
        region=region_of(challenge.phone),
        sent_at=challenge.sent_at[-1],
        channel=challenge.channel,
        unconverted=unconverted,
    )


def mark_converted(alias: str, challenges: Sequence[str]) -> None:
    """Remember, for the operator's report, that a sign-in followed, when the store is about to forget."""
    if challenges:
        sent = Delivery.objects.using(alias).exclude(status=Delivery.State.FAILED)  # by those that failed none did
        sent.filter(challenge__in=challenges).update(converted=True)
