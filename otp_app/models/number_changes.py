"""Define the table of changed numbers: which user had which number, and until when that may be undone."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NumberChange(models.Model):
    """Represent the change of a user's number, from the code to the new number on; or a second number till its proof.

    Instants are milliseconds by the store's clock.
    """

    challenge = models.UUIDField(primary_key=True)  # of the code to the new number
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    old = models.CharField(max_length=16)  # E.164; empty: the user had none
    new = models.CharField(max_length=16)
    second = models.BooleanField(default=False, db_default=False)  # the number comes beside the old one; never made
    recovery = models.UUIDField(null=True)  # the id of the recovery by which it is made; null: by the user, signed in
    by_factor = models.BooleanField(default=False, db_default=False)  # one that was not new has confirmed it
    created_at = models.BigIntegerField()
    changed_at = models.BigIntegerField(null=True)
    restored_at = models.BigIntegerField(null=True)  # also of a later change, when an earlier one was undone

    class Meta:
        db_table = "otp_app_number_change"
        verbose_name = _("number change")
        verbose_name_plural = _("number changes")
        indexes: ClassVar[Any] = [
            models.Index("old", "changed_at", name="otp_number_change_old"),
            models.Index("created_at", name="otp_number_change_purge"),
        ]

    def __str__(self) -> str:
        return self.challenge.hex
