"""Tell the holder of a challenge's id what became of its newest message, and what is left of the challenge."""

from math import ceil

from .. import accounts, phones, stores
from ..challenges import Challenge, ChallengeState, Status
from ..limits import request_limits
from ..limits.values import Counts
from ..models import Delivery
from ..phones import Phone
from . import records, routing

_REACHED_NOBODY = (Delivery.Status.UNDELIVERED, Delivery.Status.FAILED)
# A lost reply (*unknown* in our records) is shown as "sent": the person may have the message, nobody knows better, and
# the advice is the same, to wait for it and then to send again.
_SHOWN: dict[str, str] = {status: status for status in Delivery.Status.values} | {
    Delivery.Status.UNKNOWN: Delivery.Status.SENT
}
SHOWN_STATUSES = tuple(dict.fromkeys(_SHOWN.values()))


def challenge_state(challenge: Challenge, now: int) -> ChallengeState:
    """Return the state of a challenge that has not expired at ``now`` (milliseconds).

    ``resend_in`` is in seconds, by the phone's own limits alone, as after a send. ``switch_in`` leaves out the pause
    between sends if the newest message has reached nobody. An approved or canceled challenge has a state too, with
    nothing left: a send that failed has canceled it.
    """
    phone, delivery = phones.as_phone(challenge.phone), records.newest(challenge.id)
    waits = _waits(phone, challenge.device)
    checks_left = challenge.checks_left if challenge.status is Status.PENDING else 0
    return ChallengeState(
        challenge.id,
        _shown_status(delivery),
        challenge.channel,
        tuple(each for each in routing.channels(phone) if each != challenge.channel),
        checks_left=checks_left,
        sends_left=challenge.sends_left
        if checks_left
        else 0,  # a code that cannot be compared any more is not sent again
        expires_in=(challenge.expires_at - now) // 1000,
        resend_in=max(waits.values(), default=0),
        switch_in=waits.get(Counts.SENDS, 0) if _reached_nobody(delivery) else max(waits.values(), default=0),
    )


def resend_in(phone: str, device: str) -> int:
    """Return the seconds until the phone's own limits let a code be sent to it, in the lane of that device."""
    return max(_waits(phones.as_phone(phone), device).values(), default=0)


def may_switch(challenge_id: str, channel: str) -> bool:
    """Tell whether ``channel`` need not wait: the newest message of the challenge came by another, and reached nobody.

    Several requests at the same instant may get True: the challenge's ``sends_left`` bounds them.
    """
    delivery = records.newest(challenge_id) if channel else None
    return bool(delivery and _reached_nobody(delivery) and delivery.channel != channel)


def _reached_nobody(delivery: Delivery | None) -> bool:
    """Tell whether a message is known to have reached nobody; where sign-ups are not public that is not told."""
    return delivery is not None and delivery.status in _REACHED_NOBODY and accounts.are_public()


def _waits(phone: Phone, device: str) -> dict[Counts, int]:
    """Return the seconds until the pause between sends, and until the number of sends, let one to the phone through."""
    sending = request_limits.for_send(phone, None, device=device, test=phone.is_test)
    limits = [limit for limit in sending.limits if limit.counts in (Counts.WAITS, Counts.SENDS)]
    waits: dict[Counts, int] = {}
    for usage in stores.current().usage(limits, phone=phone, device=bool(device)):
        counts = usage.limit.counts
        waits[counts] = max(waits.get(counts, 0), ceil(usage.wait / 1000))
    return waits


def _shown_status(delivery: Delivery | None) -> str:
    """Return the status to show for a challenge's newest delivery attempt.

    A send that was claimed together with its challenge is shown as sent while it is queued: the write-behind has not
    recorded its outcome yet. The id was answered only after the provider had accepted. Where sign-ups are not public
    each is shown as sent, because only a phone that may get in has a message that can arrive, or fail.
    """
    if delivery is None or not accounts.are_public():
        return Delivery.Status.SENT
    if delivery.status == Delivery.Status.QUEUED and delivery.claimed_at == delivery.sent_at:
        return Delivery.Status.SENT
    return _SHOWN[delivery.status]
