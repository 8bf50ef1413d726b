"""Define the tables of what is counted beside challenges."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from .fields import IntegersField


class Counter(models.Model):
    """Hold the key counters of one subject, such as a client or all requests, in rings (:mod:`otp_app.counters.rings`).

    The key is a keyed hash: a dump of the table names neither phone nor client. Instants are as in ChallengeRow.
    """

    key = models.UUIDField(primary_key=True)
    newest = IntegersField(big=True)  # for each ring, the number of its newest sub-bucket
    rings = IntegersField()  # for each ring, its 25 sub-buckets, one ring after the other
    blocked_until = models.BigIntegerField(default=0)  # stays when the block is over
    expires_at = models.BigIntegerField()

    class Meta:
        db_table = "otp_app_key_counter"
        verbose_name = _("counter")
        verbose_name_plural = _("counters")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_key_counter_purge")]

    def __str__(self) -> str:
        return str(self.key)


class Failure(models.Model):
    """Keep failed checks of a phone for thirty days, once its challenges no longer show them."""

    phone = models.UUIDField()  # a keyed hash: one for strangers' checks, another for its devices'
    at = models.BigIntegerField()
    checks = models.PositiveSmallIntegerField(default=1)

    class Meta:
        verbose_name = _("failed check")
        verbose_name_plural = _("failed checks")
        indexes: ClassVar[Any] = [
            models.Index("phone", "at", name="otp_failure_phone"),
            models.Index("at", name="otp_failure_purge"),
        ]

    def __str__(self) -> str:
        return str(self.phone)
