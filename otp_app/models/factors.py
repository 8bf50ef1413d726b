"""Define the tables of what people prove themselves by beside the code."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Authenticator(models.Model):
    """Represent an authenticator by TOTP. Its secret is derived from the id, so a dump does not show it.

    The row stays until the person or ``manage.py otp_staff --reset`` removes it, or the user ends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    key = models.CharField(max_length=16)  # the fingerprint of the key by which the secret is derived
    # Of 30 seconds since 1970; a code of it or of an earlier one is used up. Null: no code was shown yet.
    last_step = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "otp_app_authenticator"
        verbose_name = _("authenticator")
        verbose_name_plural = _("authenticators")
        constraints: ClassVar[Any] = [
            models.UniqueConstraint(
                fields=("user",), condition=models.Q(last_step__isnull=False), name="otp_authenticator_user"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"


class RecoveryCode(models.Model):
    """Keep the slow hash of a recovery code until the code is used, or others take its place."""

    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    number = models.PositiveSmallIntegerField()  # the code's first digit, so that one hash is compared and not ten
    hash = models.CharField(max_length=128)

    class Meta:
        db_table = "otp_app_recovery_code"
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints: ClassVar[Any] = [
            models.UniqueConstraint(fields=("user", "number"), name="otp_recovery_code_number")
        ]

    def __str__(self) -> str:
        return f"{self.number}"
