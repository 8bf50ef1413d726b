"""Define the table of confirmations: what a person was asked to confirm, whether it was confirmed, and used."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Confirmation(models.Model):
    """Represent a confirmation by the SHA-256 of its value, so that a dump of the table confirms nothing.

    Instants are milliseconds by the store's clock.
    """

    challenge = models.UUIDField(primary_key=True)  # a keyed hash of the five fields that follow
    nonce = models.UUIDField()
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    purpose = models.CharField(max_length=32)
    by = models.CharField(max_length=16, default="code")  # what answers it: a code to the number, or a factor
    context = models.TextField()  # JSON with sorted names, so that equal contexts are equal texts
    checks_left = models.PositiveSmallIntegerField(
        default=0
    )  # for answers by a factor; the challenge counts those by code
    digest = models.BinaryField(max_length=32, null=True, unique=True)  # of the value; null until the code was verified
    created_at = models.BigIntegerField()
    confirmed_at = models.BigIntegerField(null=True)
    used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "otp_app_confirmation"
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")
        indexes: ClassVar[Any] = [models.Index("created_at", name="otp_confirmation_purge")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.user_id}"
