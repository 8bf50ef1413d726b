"""Keep notifications: messages without a code, each with a link by which its reader may act.

::

    add ── the row, and its queued delivery ── (delivery) challenge_of, value_of: the message
    of_value ── (otp_web) the page of the link ── settle

To a delivery the row is a challenge with no checks: it is in no store, so it takes nothing of the phone's sends and no
code answers it. The value in the link is derived from the row's id by a keyed hash, as codes are, and never stored.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import QuerySet

from .. import stores
from ..challenges import Challenge, Increment, codes, random_id
from ..db import writes
from ..db.transactions import durable
from ..keys import keys_for
from ..models import Delivery, Notification
from ..phones import Phone
from ..providers.base import Channel
from ..stores import outbox, wire

KEPT_MS = 7 * 24 * 3600 * 1000  # and so long its link is good
DELIVERY_SECONDS = 4 * 3600  # in which the message may arrive; half of that in which a provider is asked
_ALPHABET = (
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # any sign might end a link for some phones
)
_CHARACTERS = 22  # of the value: 128 bits


def add(user: Any, kind: str, phone: Phone, subject: str, language: str, taken: Sequence[Increment] = ()) -> Challenge:
    """Insert a notification and its queued delivery, both or neither, and return its challenge.

    ``taken`` is what it has taken of the limits.
    """
    row = _new(user, kind, phone, subject, language)
    row.taken = wire.increments_in(taken)
    challenge = _challenge(row)
    # Without the phone's key: a store that restores the sends of a phone must not count this one.
    delivery = outbox.row_of(challenge) | {"phone": None}
    alias = outbox.database()
    with durable(alias):
        row.save(using=_rows().db, force_insert=True)
        writes.run(alias, writes.inserting(alias, Delivery, delivery))
    return challenge


def add_for_mail(user: Any, kind: str, phone: Phone, subject: str, language: str) -> str:
    """Insert a notification that no SMS brings, and return the value for its link, which a mail brings."""
    row = _new(user, kind, phone, subject, language)
    row.save(using=_rows().db, force_insert=True)
    return value_of(row.pk.hex)


def challenge_of(challenge_id: str) -> Challenge | None:
    """Return the challenge that a notification is to its delivery; None if there is no notification of this id."""
    row = _rows().filter(pk=UUID(challenge_id)).first()
    return _challenge(row) if row else None


def value_of(challenge_id: str) -> str:
    """Return the value for the link of a notification; "" if it has no subject, or its key is in force no more."""
    row = _rows().get(pk=UUID(challenge_id))
    values = (_value(challenge_id, key) for key in keys_for("notification") if row.subject)
    return next((value for value in values if hmac.compare_digest(_digest(value), bytes(row.digest))), "")


def of_value(value: str) -> Notification | None:
    """Return the notification whose link has this value, unless it is too old."""
    fresh = _rows().filter(created_at__gt=stores.current().now() - KEPT_MS)
    return fresh.filter(digest=_digest(value)).select_related("user").first()


def settle(row: Notification, outcome: str) -> None:
    """Write down what was done by the link, unless another request has done so since ``row`` was read."""
    changes = {"outcome": outcome, "used_at": stores.current().now()}
    _rows().filter(pk=row.pk, outcome=row.outcome).update(**changes)


def purge(now: int) -> None:
    """Delete the notifications that are seven days old by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(created_at__lt=now - KEPT_MS).delete()


def _new(user: Any, kind: str, phone: Phone, subject: str, language: str) -> Notification:
    pk = random_id()
    digest = _digest(_value(pk, keys_for("notification")[0]))
    told = {"user": user, "kind": kind, "phone": phone, "subject": subject, "language": language}
    return Notification(id=UUID(pk), digest=digest, created_at=stores.current().now(), **told)


def _challenge(row: Notification) -> Challenge:
    """Return the challenge that a notification is to its delivery: without a code, with the one send."""
    return Challenge(
        id=row.pk.hex,
        nonce="",
        key_id=codes.current_key_id(),
        phone=row.phone,
        purpose=row.kind,
        language=row.language,
        channel=Channel.SMS,
        length=0,
        ttl=DELIVERY_SECONDS,
        checks=0,
        checks_left=0,
        phone_checks_left=0,
        sends_left=0,
        created_at=row.created_at,
        sent_at=(row.created_at,),
        increments=wire.increments_of(row.taken),
    )


def _rows() -> QuerySet[Notification]:
    return Notification.objects.using(router.db_for_write(Notification))


def _value(challenge_id: str, key: bytes) -> str:
    number = int.from_bytes(hmac.digest(key, challenge_id.encode(), hashlib.sha256)[:16])
    return "".join(_ALPHABET[number // 62**place % 62] for place in range(_CHARACTERS))


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()
