"""Tables: the user, and what the SQL store and deliveries keep; those of tokens and of other sites stand apart."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import phones
from .authorization_models import AuthorizationClient, AuthorizationCode
from .challenges import Status
from .counter_models import Counter, Failure
from .token_models import Token, UserSession
from .users import AbstractPhoneUser

__all__ = [
    "AuthorizationClient",
    "AuthorizationCode",
    "BlockRow",
    "ChallengeRow",
    "Counter",
    "Delivery",
    "DevicesEnd",
    "EventRow",
    "Failure",
    "KeptAnswer",
    "Token",
    "User",
    "UserSession",
]


class User(AbstractPhoneUser):
    """The user of the ready service."""

    class Meta(AbstractPhoneUser.Meta):
        swappable = "AUTH_USER_MODEL"


class ChallengeRow(models.Model):
    """A challenge in the SQL store. Instants are whole milliseconds since 1970, by the store's clock."""

    id = models.UUIDField(primary_key=True)
    nonce = models.CharField(max_length=32)
    key_id = models.CharField(max_length=16)
    phone = models.CharField(max_length=16)
    purpose = models.CharField(max_length=32)
    language = models.CharField(max_length=8)
    channel = models.CharField(max_length=16)
    length = models.PositiveSmallIntegerField()
    ttl = models.PositiveSmallIntegerField()
    checks = models.PositiveSmallIntegerField()
    checks_left = models.PositiveSmallIntegerField()
    phone_checks_left = models.PositiveSmallIntegerField()
    sends_left = models.PositiveSmallIntegerField()
    device = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=8, choices=[(status.value, status.value) for status in Status])
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    checked_at = models.BigIntegerField(default=0)
    closed_at = models.BigIntegerField(default=0)
    sent_at = models.JSONField()
    charges = models.JSONField(default=list, db_default=[])  # for processes of the release before
    # What its sends took (challenges.Charge); null where a process of the release before has opened it.
    taken = models.JSONField(default=list, null=True)

    class Meta:
        db_table = "otp_app_challenge"
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")
        indexes: ClassVar[Any] = [
            models.Index("phone", models.F("created_at").desc(), name="otp_challenge_phone"),
            models.Index("expires_at", name="otp_challenge_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {phones.mask(self.phone)} {self.status}"


class BlockRow(models.Model):
    """A key that is refused for a while, for the operator to see and to lift. Instants as of challenges."""

    key = models.UUIDField()
    forgives = models.UUIDField()  # as the key; processes of the release before write and read it
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


class Delivery(models.Model):
    """One hand-over of a message to one provider. Its status moves forward only."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        UNDELIVERED = "undelivered", _("undelivered")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")

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
    status = models.CharField(_("status"), max_length=12, choices=State.choices, default=State.QUEUED)
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
    status = models.CharField(_("status"), max_length=12, choices=Delivery.State.choices)
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


class KeptAnswer(models.Model):
    """The answer to a request that came with an Idempotency-Key, for when it comes again."""

    key = models.UUIDField(primary_key=True)  # a keyed hash of the client and its key
    body = models.UUIDField()  # a keyed hash of what was asked
    challenge = models.UUIDField()  # chosen before it is opened, so that a crash in between loses nothing
    answer = models.JSONField(null=True)  # null: still being made
    expires_at = models.BigIntegerField()  # milliseconds by the store's clock

    class Meta:
        db_table = "otp_app_kept_answer"
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_kept_answer_purge")]

    def __str__(self) -> str:
        return str(self.key)
