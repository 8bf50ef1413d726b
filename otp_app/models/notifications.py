"""Define the table of notifications: what a person was told by SMS, and what was done by the link in it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import phones


class Notification(models.Model):
    """Represent a message without a code, as a challenge that nobody can answer.

    Of the value in its link only the SHA-256 is here, so that a dump of the table acts for nobody. Instants are
    milliseconds by the store's clock.
    """

    id = models.UUIDField(primary_key=True)  # of the challenge, under which its deliveries are
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=32)
    phone = models.CharField(max_length=16)  # that it goes to, maybe no longer the user's
    language = models.CharField(max_length=8)
    subject = models.CharField(max_length=64, blank=True)  # what the link acts on, as the id of a session
    digest = models.BinaryField(max_length=32, unique=True)
    outcome = models.CharField(max_length=16, blank=True)  # of what was done by the link; "" until then
    taken = models.JSONField(default=list)  # of the limits, to be given back if the message surely reaches nobody
    created_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)  # the last time that something was done

    class Meta:
        db_table = "otp_app_notification"
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes: ClassVar[Any] = [models.Index("created_at", name="otp_notification_purge")]

    def __str__(self) -> str:
        return f"{self.kind} {phones.mask(self.phone)}"
