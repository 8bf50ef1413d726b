"""Define the table of answers that are kept for repeated requests."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeptAnswer(models.Model):
    """Keep the answer to a request with an Idempotency-Key, for when the request is repeated."""

    key = models.UUIDField(primary_key=True)  # a keyed hash of the client and its Idempotency-Key
    body = models.UUIDField()  # a keyed hash of the request's body
    challenge = models.UUIDField()  # its id is chosen before it is opened, so that a crash in between loses nothing
    answer = models.JSONField(null=True)  # null: still being made
    expires_at = models.BigIntegerField()  # milliseconds by the store's clock

    class Meta:
        db_table = "otp_app_kept_answer"
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_kept_answer_purge")]

    def __str__(self) -> str:
        return str(self.key)
