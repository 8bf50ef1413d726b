"""Record what happens to an account's security, for its owner to read: who added what, and from where."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest

from .. import stores
from ..models import SecurityEvent
from .clients import described

KEPT_MS = 180 * 24 * 3600 * 1000
_MAX_LISTED = 100


class Kind(StrEnum):
    NEW_DEVICE = "new_device"  # a sign-in by a client that no device value made known
    REFRESH_REUSED = "refresh_reused"  # a refresh token that was replaced came again, and its session was ended
    NUMBER_CHANGED = "number_changed"  # by a code to the new number, after a confirmation
    NUMBER_RESTORED = "number_restored"  # by the link that the old number got
    SESSIONS_ENDED = "sessions_ended"  # one, others or all, by the person or by staff


def record(user: Any, kind: Kind, request: HttpRequest | None = None) -> None:
    """Write down an event of a user; ``request`` tells by which client and from which network."""
    insert(user, fields_of(kind, request, stores.current().now()))


def fields_of(kind: Kind, request: HttpRequest | None, at: int) -> dict[str, Any]:
    """Return the fields of an event's row, without its user; ``at`` is in milliseconds by the store's clock."""
    return {"kind": kind, "at": at, **described(request)}


def insert(user: Any, fields: Mapping[str, Any]) -> None:
    """Write down an event by its fields."""
    _rows().create(user=user, **fields)


def of(user: Any) -> list[SecurityEvent]:
    """Return the newest events of a user, the newest first."""
    return list(_rows().filter(user=user).order_by("-at", "-pk")[:_MAX_LISTED])


def purge(now: int) -> None:
    """Delete the events that are 180 days old by ``now`` (milliseconds by the store's clock)."""
    _rows().filter(at__lt=now - KEPT_MS).delete()


def _rows() -> QuerySet[SecurityEvent]:
    """Return the rows of all events, in the database that they are written to: a replica has them late."""
    return SecurityEvent.objects.using(router.db_for_write(SecurityEvent))
