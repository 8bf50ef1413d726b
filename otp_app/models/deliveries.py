"""The tables of deliveries and of what providers report of them."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Delivery(models.Model):
    """One hand-over of a message to one provider. Its status moves forward only."""

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
    # A keyed hash of the phone, whether a device asked that signed in before, and the country: what the limits of a day
    # need when the store has forgotten.
    phone = models.UUIDField(null=True)
    device = models.BooleanField(_("known device"), default=False)
    region = models.CharField(_("country"), max_length=3, blank=True)
    # How many unconverted sends there were in all in 24 hours, this one included; only of a store that may forget.
    unconverted = models.PositiveIntegerField(default=0)
    # Which send of its challenge: its instant there, in milliseconds; and which hand-over of that send, 1 or 2.
    sent_at = models.BigIntegerField(_("send of the challenge"))
    handover = models.PositiveSmallIntegerField(_("hand-over"), default=1)
    claimed_at = models.BigIntegerField(default=0)  # when a process took it on, in milliseconds; 0: none has
    channel = models.CharField(_("channel"), max_length=16)
    provider = models.CharField(_("provider"), max_length=32, blank=True)
    # Our id of the hand-over until the provider has said its own.
    reference = models.CharField(_("provider's reference"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.QUEUED)
    error = models.CharField(_("error"), max_length=64, blank=True)
    segments = models.PositiveSmallIntegerField(_("segments"), default=0)  # 0: never accepted
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=6, null=True)  # in OTP_CURRENCY
    latency = models.PositiveIntegerField(_("answered after, ms"), null=True)  # by the provider, since claimed_at
    delivered_after = models.PositiveIntegerField(_("delivered after, ms"), null=True)  # since sent_at, as reported
    converted = models.BooleanField(_("led to a sign-in"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints: ClassVar[Any] = [
            # At most one row per hand-over, whoever writes it (I4), and the look-up by challenge.
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
    """A provider's report, kept once, without the text and the number."""

    digest = models.UUIDField(unique=True)  # of what it says, so that the same report again is no second one
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, null=True, related_name="events")
    provider = models.CharField(_("provider"), max_length=32)
    reference = models.CharField(_("provider's reference"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Delivery.Status.choices)
    error = models.CharField(_("error"), max_length=64, blank=True)
    raw = models.JSONField(_("report"))
    # For when it came before the row of its delivery: our id of the hand-over, where it quotes that, and what it says
    # beside its status.
    ours = models.CharField(max_length=64, blank=True, default="")
    told = models.JSONField(default=dict)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        db_table = "otp_app_event"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar[Any] = [
            # Those that came before their delivery's reference was known.
            models.Index("provider", "reference", name="otp_event_early", condition=models.Q(delivery=None)),
            models.Index("provider", "ours", name="otp_event_ours", condition=models.Q(delivery=None)),
            models.Index("received_at", name="otp_event_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.status}"
