"""Define the table of questions about the lines behind numbers."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class LineLookup(models.Model):
    """Record one answer of a company about a number, because it costs money and is good for some days.

    ``phone`` is a keyed hash; empty, once the account of the number is erased. ``at`` is the instant of the question,
    in milliseconds by the app's clock.
    """

    class Finding(models.TextChoices):
        SAME = "same"
        SIM_SWAPPED = "sim_swapped"
        REASSIGNED = "reassigned"
        UNKNOWN = "unknown"

    phone = models.UUIDField(null=True)
    at = models.BigIntegerField()
    finding = models.CharField(max_length=16, choices=Finding.choices)  # since the account was last used
    line_type = models.CharField(max_length=16, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=6, null=True)  # in OTP_CURRENCY

    class Meta:
        db_table = "otp_app_line_lookup"
        verbose_name = _("line lookup")
        verbose_name_plural = _("line lookups")
        indexes: ClassVar[Any] = [
            models.Index("phone", "at", name="otp_line_lookup_phone"),
            models.Index("at", name="otp_line_lookup_at"),
        ]

    def __str__(self) -> str:
        return f"{self.finding} {self.at}"
