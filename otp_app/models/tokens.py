"""Define the tables of tokens and sessions by which people are signed in."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Token(models.Model):
    """Represent a token of the opaque backend by its SHA-256, so that a dump of the table signs nobody in."""

    digest = models.BinaryField(max_length=32, unique=True)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="otp_tokens"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField()

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_token_purge")]

    def __str__(self) -> str:
        return f"{self.user_id}"


class UserSession(models.Model):
    """Record the sessions that a sign-in by phone began, so that all of a user's can be ended."""

    key = models.CharField(max_length=40, unique=True)  # the length of Django's own column
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="otp_sessions"
    )
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "otp_app_user_session"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_user_session_purge")]

    def __str__(self) -> str:
        return f"{self.user_id}"
