"""The table of devices that are known no more."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DevicesEnd(models.Model):
    """When all devices of a phone were signed out: what was issued to one before is worth nothing."""

    phone = models.UUIDField(primary_key=True)  # a keyed hash
    at = models.BigIntegerField()

    class Meta:
        db_table = "otp_app_devices_end"
        verbose_name = _("end of devices")
        verbose_name_plural = _("ends of devices")

    def __str__(self) -> str:
        return str(self.phone)
