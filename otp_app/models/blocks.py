"""Define the table of blocks."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import phones


class BlockRow(models.Model):
    """Show a block to the operator, who can lift it. Instants are as in ChallengeRow."""

    key = models.UUIDField()
    forgives = models.UUIDField()  # the same as the key; processes of the release before write and read it
    subject = models.CharField(_("who"), max_length=64)
    limit = models.CharField(_("limit"), max_length=64)
    reason = models.CharField(_("reason"), max_length=200)
    since = models.BigIntegerField()
    until = models.BigIntegerField()
    lifted_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "otp_app_block"
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        indexes: ClassVar[Any] = [models.Index("until", name="otp_block_until")]

    def __str__(self) -> str:
        return phones.mask_subject(self.subject)
