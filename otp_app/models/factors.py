"""Define the tables of the second factor of staff."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class StaffFactor(models.Model):
    """Represent the authenticator of a member of staff. Its secret is derived from the id, so a dump does not show it.

    The row stays until ``manage.py otp_staff --reset`` or the end of the user deletes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user: models.OneToOneField[Any, Any] = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    key = models.CharField(max_length=16)  # the fingerprint of the key by which the secret is derived
    last_step = models.BigIntegerField()  # of 30 seconds since 1970; a code of it or of an earlier one is used up
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "otp_app_staff_factor"
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self) -> str:
        return f"{self.user_id}"


class RecoveryCode(models.Model):
    """Keep the slow hash of a recovery code until the code is used or the factor ends."""

    factor: models.ForeignKey[Any, Any] = models.ForeignKey(
        StaffFactor, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    number = models.PositiveSmallIntegerField()  # the code's first digit, so that one hash is compared and not ten
    hash = models.CharField(max_length=128)

    class Meta:
        db_table = "otp_app_recovery_code"
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        return f"{self.number}"
