"""Define the table of what operators rule by hand."""

from typing import Any, ClassVar
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import phones


class BlockRow(models.Model):
    """Hold a block or an allowance of a phone, prefix, network or region. Instants are as in ChallengeRow."""

    class Mode(models.TextChoices):
        SHUT = "shut", _("shut")  # every send is refused
        OPEN = "open", _("held open")  # the amount stands in place of those of the table
        WATCH = "watch", _("watched")  # served, and the log tells what would have been refused

    # Read by processes of the release before only, whose guard began blocks of its own.
    key = models.UUIDField(default=uuid4)
    forgives = models.UUIDField(default=uuid4)
    limit = models.CharField(_("limit"), max_length=64, blank=True, default="")

    subject = models.CharField(_("who"), max_length=64)  # "prefix +99890123", as Limit.subject, or a phone
    mode = models.CharField(_("rule"), max_length=8, choices=Mode.choices, default=Mode.SHUT, db_default=Mode.SHUT)
    amount = models.PositiveIntegerField(_("amount"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    author = models.CharField(_("author"), max_length=64, default="", db_default="")  # a user's key, or a command
    since = models.BigIntegerField()
    until = models.BigIntegerField(null=True)  # null: until it is lifted
    lifted_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "otp_app_block"
        verbose_name = _("block or allowance")
        verbose_name_plural = _("blocks and allowances")
        indexes: ClassVar[Any] = [models.Index("until", name="otp_block_until")]

    def __str__(self) -> str:
        return phones.mask_subject(self.subject)
