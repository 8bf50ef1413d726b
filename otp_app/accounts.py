"""The user of a phone."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, models, transaction

from .conf import conf


def phone_field() -> str:
    """The field of the user model that holds the phone: OTP_USER_PHONE_FIELD, else ``phone``, else the user name."""
    if conf.USER_PHONE_FIELD:
        return conf.USER_PHONE_FIELD
    model = get_user_model()
    try:
        model._meta.get_field("phone")
    except FieldDoesNotExist:
        return model.USERNAME_FIELD
    return "phone"


def phone_of(user: Any) -> str:
    """The phone of a user; empty when he has none."""
    return getattr(user, phone_field()) or ""


def user_for(phone: str) -> tuple[Any, bool]:
    """The user of a verified phone and whether this call created it. Two calls at once give one user."""
    users = get_user_model()._default_manager
    wanted = {phone_field(): phone}
    if user := users.filter(**wanted).first():
        return user, False
    user = get_user_model()(**_name(phone), **wanted)
    user.set_unusable_password()
    try:
        with transaction.atomic(using=users.db):
            user.save(force_insert=True)
    except IntegrityError:
        return users.get(**wanted), False
    return user, True


def _name(phone: str) -> dict[str, str]:
    """A user name is required and unique in models like Django's own: the phone serves as it."""
    model = get_user_model()
    name = model.USERNAME_FIELD
    field = model._meta.get_field(name)
    fits = isinstance(field, models.CharField) and not isinstance(field, models.EmailField)
    return {name: phone} if name != phone_field() and fits else {}
