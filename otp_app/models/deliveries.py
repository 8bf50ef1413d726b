"""Define the tables of deliveries and of what providers report about them."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Delivery(models.Model):
    """Record one hand-over of a message to one provider. Its status moves forward only."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        UNDELIVERED = "undelivered", _("undelivered")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")

    # From which statuses a delivery may come to each one. A status that ended it stays: a late report changes nothing.
    PREDECESSORS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.UNKNOWN: (Status.QUEUED,),
        Status.SENT: (Status.QUEUED, Status.UNKNOWN),
        **dict.fromkeys(
            (Status.DELIVERED, Status.UNDELIVERED, Status.FAILED), (Status.QUEUED, Status.UNKNOWN, Status.SENT)
        ),
    }

    challenge = models.UUIDField(_("challenge"))  # not a foreign key: the challenge may live in another store
    # The phone's keyed hash, whether the request came from a known device, and the country restore the limits of a day
    # if the store loses its data.
    phone = models.UUIDField(null=True)
    device = models.BooleanField(_("known device"), default=False)
    region = models.CharField(_("country"), max_length=3, blank=True)
    # Unused; the release before counts here what a store that loses its data has to know.
    unconverted = models.PositiveIntegerField(default=0)
    # The send, by its instant in the challenge's ``sent_at`` (milliseconds), and the number of its hand-over, 1 or 2.
    sent_at = models.BigIntegerField(_("send of the challenge"))
    handover = models.PositiveSmallIntegerField(_("hand-over"), default=1)
    claimed_at = models.BigIntegerField(
        default=0
    )  # the instant in milliseconds at which a process claimed it; 0: none has
    channel = models.CharField(_("channel"), max_length=16)
    provider = models.CharField(_("provider"), max_length=32, blank=True)
    # Our id of the hand-over, until the provider gives its own.
    reference = models.CharField(_("provider's reference"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.QUEUED)
    error = models.CharField(_("error"), max_length=64, blank=True)
    segments = models.PositiveSmallIntegerField(_("segments"), default=0)  # 0: never accepted
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=6, null=True)  # in OTP_CURRENCY
    latency = models.PositiveIntegerField(_("answered after, ms"), null=True)  # the provider's answer, since claimed_at
    delivered_after = models.PositiveIntegerField(
        _("delivered after, ms"), null=True
    )  # since sent_at, by the provider's report
    converted = models.BooleanField(_("led to a sign-in"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints: ClassVar[Any] = [
            # At most one row per hand-over, whoever writes it (I4); it also serves queries by challenge.
            models.UniqueConstraint(fields=["challenge", "sent_at", "handover"], name="otp_delivery_handover"),
        ]
        indexes: ClassVar[Any] = [
            models.Index("phone", "sent_at", name="otp_delivery_phone"),
            models.Index("provider", "reference", name="otp_delivery_reference"),
            models.Index("sent_at", name="otp_delivery_purge"),
            models.Index("sent_at", name="otp_delivery_queued", condition=models.Q(status="queued")),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.status}"


class EventRow(models.Model):
    """Keep a provider's report once, without the text and the number."""

    digest = models.UUIDField(unique=True)  # of its content, so that a repeated report is not kept twice
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, null=True, related_name="events")
    provider = models.CharField(_("provider"), max_length=32)
    reference = models.CharField(_("provider's reference"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Delivery.Status.choices)
    error = models.CharField(_("error"), max_length=64, blank=True)
    raw = models.JSONField(_("report"))
    # These serve reports that come before their delivery's row: our id of the hand-over, if the report quotes it, and
    # what it says beside its status.
    ours = models.CharField(max_length=64, blank=True, default="")
    told = models.JSONField(default=dict)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        db_table = "otp_app_event"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar[Any] = [
            # These find reports that came before their delivery's reference was known.
            models.Index("provider", "reference", name="otp_event_early", condition=models.Q(delivery=None)),
            models.Index("provider", "ours", name="otp_event_ours", condition=models.Q(delivery=None)),
            models.Index("received_at", name="otp_event_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.status}"
