"""Define the table of phones whose devices were signed out."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DevicesEnd(models.Model):
    """Keep the instant when all devices of a phone were signed out: values issued until then are worth nothing."""

    phone = models.UUIDField(primary_key=True)  # a keyed hash
    at = models.BigIntegerField()  # milliseconds by the store's clock
    # Whether an account was deleted then: the row goes with the rest of what is kept of the phone, after thirty days.
    erased = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "otp_app_devices_end"
        verbose_name = _("end of devices")
        verbose_name_plural = _("ends of devices")

    def __str__(self) -> str:
        return str(self.phone)
