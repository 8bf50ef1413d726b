"""Keep confirmations: what a person was asked to confirm, and the value that proves it once.

::

    begin ── the row, and the id of its challenge ── (confirmations.send) ── (delivery) text_of: the message
    open_for ── spend_check, for a factor ── (confirmations.verify) ── confirm: the value ── use, once, within 600 s

The id of the challenge is a keyed hash of user, purpose, context and what answers, and the code is derived from that id
(dynamic linking: Commission Delegated Regulation (EU) 2018/389, article 5). So the row of another context, or one that
somebody has changed in the database, has another code.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import F, QuerySet

from .. import stores
from ..challenges import Challenge, is_id
from ..challenges.policies import LOGIN, policy_for
from ..errors import InvalidOrExpiredCode
from ..keys import keys_for
from ..models import Confirmation
from . import contexts

CODE = "code"  # what answers a confirmation, unless a factor does
SECOND_PHONE = "second_phone"  # a code, too, but to the second number
LIFE_SECONDS = 600  # of a value, from the right code on
MAX_VALUE_CHARACTERS = 64
_KEPT_MS = 24 * 3600 * 1000  # as challenges are


def begin(user: Any, purpose: str, context: str, nonce: str, by: str = CODE) -> str:
    """Write down what is to be confirmed, and return the id that its challenge must have."""
    asked = {"user": user, "purpose": purpose, "by": by, "context": context}
    checks = policy_for(purpose).checks
    row = Confirmation(nonce=UUID(nonce), **asked, checks_left=checks, created_at=stores.current().now())
    row.challenge = UUID(_id_of(row, keys_for("confirmation")[0]))
    row.save(using=_rows().db, force_insert=True)
    return row.challenge.hex


def forget(challenge_id: str) -> None:
    """Delete a confirmation whose code was not sent."""
    _rows().filter(pk=UUID(challenge_id)).delete()


def open_for(user: Any, challenge_id: str) -> Confirmation:
    """Return the confirmation of a challenge that this user has yet to answer. Raise InvalidOrExpiredCode."""
    row = _rows().filter(pk=UUID(challenge_id), user=user, digest=None).first() if is_id(challenge_id) else None
    if row is None or not _is_authentic(row):
        raise InvalidOrExpiredCode
    return row


def spend_check(row: Confirmation) -> None:
    """Pay for one try of a factor, before it is compared. Raise InvalidOrExpiredCode if no try or no time is left."""
    since = stores.current().now() - policy_for(row.purpose).ttl * 1000
    open_rows = _rows().filter(pk=row.pk, digest=None, checks_left__gt=0, created_at__gt=since)
    if not open_rows.update(checks_left=F("checks_left") - 1):
        raise InvalidOrExpiredCode


def text_of(challenge: Challenge) -> str | None:
    """Return the context for the message of a challenge; None if the challenge is of no confirmation.

    Raise InvalidOrExpiredCode if somebody has changed the row: the person must not read one thing and confirm another.
    """
    row = None if challenge.purpose == LOGIN else _rows().filter(pk=UUID(challenge.id)).first()
    if row is None:
        return None
    if not _is_authentic(row):
        raise InvalidOrExpiredCode
    return contexts.shown(json.loads(row.context))


def confirm(row: Confirmation) -> str:
    """Return the value of a confirmation whose code was right. Raise InvalidOrExpiredCode if it has one already."""
    value = secrets.token_urlsafe(32)
    changes = {"digest": _digest(value), "confirmed_at": stores.current().now()}
    if not _rows().filter(pk=row.pk, digest=None).update(**changes):
        raise InvalidOrExpiredCode
    return value


def use(user: Any, purpose: str, value: str, context: Mapping[str, str] | None = None) -> bool:
    """Use a value up and return True, if it is valid for the user, the purpose and, unless None, the context.

    One conditional statement does it, so of many requests at once one gets True. A value that is refused stays valid.
    """
    now = stores.current().now()
    valid = _rows().filter(digest=_digest(value), user=user, purpose=purpose, used_at=None)
    valid = valid.filter(confirmed_at__gt=now - LIFE_SECONDS * 1000)
    if context is not None:
        valid = valid.filter(context=contexts.encoded(context))
    return bool(valid.update(used_at=now))


def is_by_factor(value: str) -> bool:
    """Return whether a factor has answered the confirmation of a value, and not a code to a number."""
    return _rows().filter(digest=_digest(value)).exclude(by__in=(CODE, SECOND_PHONE)).exists()


def give_back(value: str) -> None:
    """Make a used value valid again for the rest of its life, because what it was used for was refused."""
    _rows().filter(digest=_digest(value)).update(used_at=None)


def end_all(user: Any, **which: str) -> None:
    """Delete the confirmations of a user that are open or not yet used, all or those with the fields ``which``."""
    _rows().filter(user=user, used_at=None, **which).delete()


def purge(now: int) -> None:
    """Delete the confirmations that are a day old by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(created_at__lt=now - _KEPT_MS).delete()


def _rows() -> QuerySet[Confirmation]:
    return Confirmation.objects.using(router.db_for_write(Confirmation))


def _is_authentic(row: Confirmation) -> bool:
    return any(hmac.compare_digest(_id_of(row, key), row.challenge.hex) for key in keys_for("confirmation"))


def _id_of(row: Confirmation, key: bytes) -> str:
    text = f"{row.nonce.hex}|{row.user_id}|{row.purpose}|{row.by}|{row.context}"
    return hmac.digest(key, text.encode(), hashlib.sha256)[:16].hex()


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()
