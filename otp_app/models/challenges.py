"""Define the table of challenges."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import phones
from ..challenges import Status


class ChallengeRow(models.Model):
    """Represent a challenge in the SQL store. Instants are whole milliseconds since 1970, by the store's clock."""

    id = models.UUIDField(primary_key=True)
    nonce = models.CharField(max_length=32)
    key_id = models.CharField(max_length=16)
    phone = models.CharField(max_length=16)
    purpose = models.CharField(max_length=32)
    language = models.CharField(max_length=8)
    channel = models.CharField(max_length=16)
    length = models.PositiveSmallIntegerField()
    ttl = models.PositiveSmallIntegerField()
    checks = models.PositiveSmallIntegerField()
    checks_left = models.PositiveSmallIntegerField()
    phone_checks_left = models.PositiveSmallIntegerField()
    sends_left = models.PositiveSmallIntegerField()
    device = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=8, choices=[(status.value, status.value) for status in Status])
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    checked_at = models.BigIntegerField(default=0)
    closed_at = models.BigIntegerField(default=0)
    sent_at = models.JSONField()
    charges = models.JSONField(default=list, db_default=[])  # for processes of the release before
    # The increments of its sends; null if a process of the release before has opened it.
    taken = models.JSONField(default=list, null=True)

    class Meta:
        db_table = "otp_app_challenge"
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")
        indexes: ClassVar[Any] = [
            models.Index("phone", models.F("created_at").desc(), name="otp_challenge_phone"),
            models.Index("expires_at", name="otp_challenge_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {phones.mask(self.phone)} {self.status}"
