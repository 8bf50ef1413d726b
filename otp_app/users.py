"""Define a user whose name is a phone number; extend it by ``class User(AbstractPhoneUser)``."""

import re
import secrets
from contextlib import suppress
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import phones
from .errors import InvalidPhone

_LOST = re.compile("ex-[0-9a-f]{12}")


def lost_phone() -> str:
    """Return what stands in the field of a user who has lost the phone: unique, and the phone of nobody."""
    return f"ex-{secrets.token_hex(6)}"


def is_lost(value: str) -> bool:
    """Return whether a text is one of ``lost_phone``."""
    return _LOST.fullmatch(value) is not None


def validate_phone(value: str) -> None:
    """Validate a phone for forms and ``createsuperuser``: any spelling that ``phones.parse`` reads, of any country.

    What stands for a lost phone is valid, so that staff can edit such a user.
    """
    if is_lost(value):
        return
    try:
        phones.parse(value, gate=False)
    except InvalidPhone as error:
        raise ValidationError(str(error.detail), code=error.code) from None


def may_see_phones(user: Any) -> bool:
    """Return whether a member of staff may see phones in full, by the permission of the user model in force."""
    return bool(user.has_perm(f"{user._meta.app_label}.see_phones"))


class PhoneField(models.CharField):  # type: ignore[type-arg]  # not generic at run time
    """Store a phone in E.164, whatever spelling a form is given."""

    default_validators = [validate_phone]  # noqa: RUF012  (as Django declares it)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, phones.Phone):
            return value
        text = super().to_python(value)
        try:
            return phones.parse(text, gate=False) if text else text
        except InvalidPhone:
            return text  # the validator names the error

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"max_length": phones.MAX_CHARACTERS, **kwargs})  # the typed spelling is longer


class PhoneUserManager(BaseUserManager[Any]):
    """Create users by phone. Without a password a user can sign in by code only."""

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
    """Represent a user whose name is a phone number. Extend the class to add fields."""

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
