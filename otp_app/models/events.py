"""Define the table of what happened to an account's security, as its owner reads it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SecurityEvent(models.Model):
    """Represent one event, by its kind (``accounts.events.Kind``), instant and the client that caused it.

    ``at`` is in milliseconds by the store's clock.
    """

    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(_("kind"), max_length=32)
    at = models.BigIntegerField(_("time"))
    client_name = models.CharField(_("client"), max_length=64, blank=True)
    network = models.CharField(_("network"), max_length=64, blank=True)  # /24 or /48

    class Meta:
        db_table = "otp_app_security_event"
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        indexes: ClassVar[Any] = [
            models.Index("user", "at", name="otp_security_event_user"),
            models.Index("at", name="otp_security_event_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.user_id}"
