"""Define the table of second numbers."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import phones


class SecondPhone(models.Model):
    """Represent the second number of a user, which has confirmed its code and names nobody in a sign-in.

    ``verified_at`` is in milliseconds by the store's clock.
    """

    challenge = models.UUIDField(primary_key=True)  # of the code to the number
    user: models.OneToOneField[Any, Any] = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    phone = models.CharField(_("phone"), max_length=16)  # E.164; several users may have the same
    verified_at = models.BigIntegerField()

    class Meta:
        db_table = "otp_app_second_phone"
        verbose_name = _("second phone")
        verbose_name_plural = _("second phones")
        indexes: ClassVar[Any] = [models.Index("phone", name="otp_second_phone_phone")]

    def __str__(self) -> str:
        return f"{phones.mask(self.phone)} {self.user_id}"
