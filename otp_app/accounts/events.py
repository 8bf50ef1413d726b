"""Record what happens to an account's security, for its owner to read: who added what, and from where."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .. import stores
from ..db import writes
from ..models import SecurityEvent
from .clients import described

KEPT_MS = 180 * 24 * 3600 * 1000
_MAX_LISTED = 100


class Kind(StrEnum):
    NEW_DEVICE = "new_device"  # a sign-in by a client that no device value made known
    REFRESH_REUSED = "refresh_reused"  # a refresh token that was replaced came again, and its session was ended
    DATA_EXPORTED = "data_exported"  # a copy of all that is kept of the person was taken
    AUTHENTICATOR_ADDED = "authenticator_added"  # also one in place of another
    AUTHENTICATOR_REMOVED = "authenticator_removed"  # by the person, or by otp_staff --reset
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"  # the old ones are worth nothing from now on
    RECOVERY_CODE_USED = "recovery_code_used"  # in a sign-in, a confirmation or the admin
    EMAIL_ADDED = "email_added"  # also one in place of another
    EMAIL_REMOVED = "email_removed"
    NUMBER_RELEASED = "number_released"  # whoever has the number now began an account of their own
    NUMBER_GIVEN_BACK = "number_given_back"  # by staff
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_CLONED = "passkey_cloned"  # its counter went back, so a copy of it may be about; it was refused
    PASSKEY_REMOVED = "passkey_removed"
    NUMBER_CHANGED = "number_changed"  # by a code to the new number, after a confirmation
    NUMBER_RESTORED = "number_restored"  # by the link that the old number got
    SECOND_PHONE_ADDED = "second_phone_added"  # also one in place of another
    SECOND_PHONE_REMOVED = "second_phone_removed"  # by the person, or because it has become somebody's first number
    RECOVERY_BEGUN = "recovery_begun"  # by the code to the e-mail address; the waiting period runs
    RECOVERY_STOPPED = "recovery_stopped"  # by whoever is in the account, or by the link of the notice
    SESSIONS_ENDED = "sessions_ended"  # one, others or all, by the person or by staff


# What the person reads.
TEXTS = {
    "new_device": _("Somebody signed in on a device that was not known before."),
    "refresh_reused": _("A stolen or copied sign-in was used again, so that sign-in was ended."),
    "data_exported": _("A copy of the data of the account was taken."),
    "authenticator_added": _("An authenticator app was added."),
    "authenticator_removed": _("The authenticator app was removed."),
    "recovery_codes_renewed": _("New recovery codes took the place of the old ones."),
    "recovery_code_used": _("A recovery code was used."),
    "email_added": _("An e-mail address was added."),
    "email_removed": _("The e-mail address was removed."),
    "passkey_added": _("A passkey was added."),
    "passkey_cloned": _("A passkey was refused, because there may be a copy of it."),
    "passkey_removed": _("A passkey was removed."),
    "number_released": _("The number went to a new account: whoever has it now said that this one is not theirs."),
    "number_given_back": _("The number was given back to the account by staff."),
    "number_changed": _("The phone number was changed."),
    "number_restored": _("The former phone number was restored."),
    "second_phone_added": _("A second phone number was added."),
    "second_phone_removed": _("The second phone number was removed."),
    "recovery_begun": _("Somebody has begun to get back into the account by its e-mail address."),
    "recovery_stopped": _("The way back by the e-mail address was stopped."),
    "sessions_ended": _("Sessions were ended."),
}


def record(user: Any, kind: Kind, request: HttpRequest | None = None) -> None:
    """Write down an event of a user; ``request`` tells by which client and from which network."""
    insert(user, fields_of(kind, described(request), stores.current().now()))


def fields_of(kind: Kind, client: Mapping[str, Any], at: int) -> dict[str, Any]:
    """Return the fields of an event's row, without its user.

    ``client`` is what ``clients.described`` returns, ``at`` is in milliseconds by the store's clock.
    """
    return {"kind": kind, "at": at, **client}


def insert(user: Any, fields: Mapping[str, Any]) -> None:
    """Write down an event by its fields."""
    alias = router.db_for_write(SecurityEvent)
    writes.run(alias, writes.inserting(alias, SecurityEvent, {**fields, "user_id": user.pk}))


def of(user: Any) -> list[SecurityEvent]:
    """Return the newest events of a user, the newest first."""
    return list(_rows().filter(user=user).order_by("-at", "-pk")[:_MAX_LISTED])


def kinds_since(user: Any, at: int) -> set[str]:
    """Return what kinds of events a user has had since an instant (milliseconds by the store's clock)."""
    return set(_rows().filter(user=user, at__gte=at).values_list("kind", flat=True))


def purge(now: int) -> None:
    """Delete the events that are 180 days old by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(at__lt=now - KEPT_MS).delete()


def _rows() -> QuerySet[SecurityEvent]:
    """Return the rows of all events, in the database that they are written to: a replica has them late."""
    return SecurityEvent.objects.using(router.db_for_write(SecurityEvent))
