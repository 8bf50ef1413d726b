"""Define the table of recoveries: who asked for the way back by e-mail, and what became of it."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Recovery(models.Model):
    """Represent a way back into an account by its e-mail address, from the code on.

    Of the value by which a person goes on only the SHA-256 is here. A request that names no account has a row as well,
    without a user, so that nothing tells the two apart. Instants are milliseconds by the store's clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True
    )
    address = models.UUIDField(null=True)  # the id of the EmailAddress: another address has another one
    phone = models.UUIDField()  # the keyed hash of the number that was lost
    nonce = models.UUIDField(default=uuid.uuid4)  # never shown, so that the id alone gives no code
    checks_left = models.PositiveSmallIntegerField()
    last_login = models.DateTimeField(null=True)  # of the user when the recovery was begun
    digest = models.BinaryField(max_length=32, null=True, unique=True)
    begun_at = models.BigIntegerField(null=True)  # by the code: since then the waiting period runs
    ended_at = models.BigIntegerField(null=True)
    ended_by = models.CharField(max_length=16, blank=True)
    expires_at = models.BigIntegerField()

    class Meta:
        db_table = "otp_app_recovery"
        verbose_name = _("recovery")
        verbose_name_plural = _("recoveries")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_recovery_purge")]

    def __str__(self) -> str:
        return f"{self.user_id}"
