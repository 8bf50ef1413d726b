"""Say when tokens end: some time after the sign-in, later while they are used, and sooner while they are not."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import models, router
from django.db.models import Q
from django.utils import timezone

from ..conf import conf
from ..db import clock


def now() -> datetime:
    """Return the time by the app's clock."""
    return timezone.now() + timedelta(milliseconds=clock.offset())


def instant_of(seconds: float) -> datetime:
    """Return an instant (seconds since 1970) as the project keeps times: aware, or naive in its own zone, by USE_TZ."""
    return datetime.fromtimestamp(seconds, UTC if settings.USE_TZ else None)


def first_end(began_at: datetime) -> datetime:
    """Return when a token ends that is issued at a sign-in and not used later."""
    return began_at + timedelta(seconds=conf.TOKEN_TTL)


def renewed_end(began_at: datetime | None, expires_at: datetime, used_at: datetime) -> datetime:
    """Return when a token ends that is used at ``used_at``: never sooner than before, at most OTP_TOKEN_RENEWED_FOR.

    A token whose beginning is not known (None: a former release issued it) is not renewed.
    """
    if began_at is None:
        return expires_at
    last = began_at + timedelta(seconds=conf.TOKEN_RENEWED_FOR)
    return max(expires_at, min(first_end(used_at), last))


def is_over(expires_at: datetime, used_at: datetime, at: datetime) -> bool:
    """Return whether a token has ended by its age or because nobody used it."""
    return expires_at <= at or at - used_at >= timedelta(seconds=conf.TOKEN_IDLE)


def over() -> Q:
    """Return the condition for the rows of tokens that have ended."""
    at = now()
    return Q(expires_at__lte=at) | Q(used_at__lte=at - timedelta(seconds=conf.TOKEN_IDLE))


def purge(model: type[models.Model]) -> int:
    """Delete the rows of tokens that have ended, and return how many."""
    return model._base_manager.using(router.db_for_write(model)).filter(over()).delete()[0]
