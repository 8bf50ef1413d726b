"""Define the table of e-mail addresses that people have proven, or are about to."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class EmailAddress(models.Model):
    """Represent an e-mail address of a user; until its code was verified, a request to prove it.

    Instants are milliseconds by the store's clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    email = models.EmailField()
    nonce = models.UUIDField(default=uuid.uuid4)  # never shown, so that the id alone gives no code
    checks_left = models.PositiveSmallIntegerField()
    created_at = models.BigIntegerField()
    verified_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "otp_app_email_address"
        verbose_name = _("e-mail address")
        verbose_name_plural = _("e-mail addresses")
        constraints: ClassVar[Any] = [
            models.UniqueConstraint(
                fields=("user",), condition=models.Q(verified_at__isnull=False), name="otp_email_address_user"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"
