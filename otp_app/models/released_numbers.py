"""Define the table of numbers that dormant accounts have lost."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import phones


class ReleasedNumber(models.Model):
    """Keep which number an account had, for as long as the account lives, so that staff can give it back.

    ``at`` is in milliseconds by the store's clock.
    """

    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    phone = models.CharField(_("phone"), max_length=16)
    at = models.BigIntegerField(_("time"))

    class Meta:
        db_table = "otp_app_released_number"
        verbose_name = _("released number")
        verbose_name_plural = _("released numbers")
        indexes: ClassVar[Any] = [models.Index("phone", name="otp_released_number_phone")]

    def __str__(self) -> str:
        return f"{phones.mask(self.phone)} {self.user_id}"
