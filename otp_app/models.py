"""Tables: the user, and what the SQL store, deliveries and tokens keep."""

from contextlib import suppress
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import phones
from .challenges import Status
from .errors import InvalidPhone


def validate_phone(value: str) -> None:
    """For forms and ``createsuperuser``: any spelling ``phones.parse`` knows, of any country."""
    try:
        phones.parse(value, gate=False)
    except InvalidPhone as error:
        raise ValidationError(str(error.detail), code=error.code) from None


class PhoneField(models.CharField):  # type: ignore[type-arg]  # not generic at run time
    """An E.164 number. What a form is given in another spelling is stored in that one."""

    default_validators = [validate_phone]  # noqa: RUF012  (as Django declares it)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return phones.parse(text, gate=False) if text else text
        except InvalidPhone:
            return text  # the validator says why

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"max_length": phones.LONGEST, **kwargs})  # as typed, before it is made short


class PhoneUserManager(BaseUserManager[Any]):
    """Creates users by phone. Without a password they can sign in by code only."""

    def create_user(self, phone: str, password: str | None = None, **fields: Any) -> Any:
        user = self.model(phone=phones.parse(phone, gate=False), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, phone: str, password: str | None = None, **fields: Any) -> Any:
        return self.create_user(phone, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> Any:
        with suppress(InvalidPhone):  # then there is no such user, and the caller expects DoesNotExist
            username = phones.parse(username or "", gate=False)
        return super().get_by_natural_key(username)


class AbstractPhoneUser(AbstractBaseUser, PermissionsMixin):
    """A user whose name is a phone number. Extend it to add fields of your own."""

    phone = PhoneField(_("phone"), max_length=16, unique=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    date_joined = models.DateTimeField(_("date joined"), default=timezone.now, editable=False)

    objects: ClassVar[PhoneUserManager] = PhoneUserManager()

    USERNAME_FIELD = "phone"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        abstract = True
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions: ClassVar[Any] = [("see_phones", _("Can see phones in full"))]

    def __str__(self) -> str:
        return phones.mask(self.phone)

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name


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
    status = models.CharField(max_length=8, choices=[(status.value, status.value) for status in Status])
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    checked_at = models.BigIntegerField(default=0)
    closed_at = models.BigIntegerField(default=0)
    sent_at = models.JSONField()
    charges = models.JSONField()

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


class Counter(models.Model):
    """What a limit has counted under a key: how much in which slot of time.

    A slot is a number of a span of time (of 1/24 of the period for a crowd, of a millisecond for a phone); slots from
    ``newest - span`` on count. The key is a keyed hash: a dump of the table names neither phone nor client.
    """

    key = models.UUIDField(primary_key=True)
    slots = models.JSONField()
    newest = models.BigIntegerField()
    span = models.BigIntegerField()
    amount = models.BigIntegerField()
    expires_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("counter")
        verbose_name_plural = _("counters")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_counter_purge")]

    def __str__(self) -> str:
        return str(self.key)


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
    # Which send of its challenge: its instant there, in milliseconds.
    sent_at = models.BigIntegerField(_("send of the challenge"))
    channel = models.CharField(_("channel"), max_length=16)
    provider = models.CharField(_("provider"), max_length=32, blank=True)
    reference = models.CharField(_("provider's reference"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=State.choices, default=State.QUEUED)
    error = models.CharField(_("error"), max_length=64, blank=True)
    segments = models.PositiveSmallIntegerField(_("segments"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes: ClassVar[Any] = [
            models.Index("challenge", "sent_at", name="otp_delivery_send"),
            models.Index("created_at", name="otp_delivery_purge"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.status}"


class Token(models.Model):
    """A token of the opaque backend: only its SHA-256, so that a dump of the table signs nobody in."""

    digest = models.BinaryField(max_length=32, unique=True)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="otp_tokens"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField()

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_token_purge")]

    def __str__(self) -> str:
        return f"{self.user_id}"
