"""Decide who may sign up, and make each newcomer a user once, whatever class OTP_ACCOUNTS names."""

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest

from .. import phones
from ..conf import conf
from ..db import writes
from ..errors import InvalidOrExpiredCode, PhoneTaken, UserNotCreated
from ..keys import phone_key
from . import number_changes, second_phones
from .accounts import current, is_default
from .adapter import REFUSALS, database

logger = logging.getLogger("otp_app.accounts")


def are_public() -> bool:
    """Return whether anybody may sign up, so that nothing has to be hidden about who may."""
    return conf.SIGN_UP == "open"


def may_sign_up(phone: str, request: HttpRequest | None) -> bool:
    """Return whether a new user may be made for a phone, by OTP_SIGN_UP and the class in force."""
    return conf.SIGN_UP != "closed" and current().may_sign_up(phone, request)


def may_get_in(phone: str, request: HttpRequest | None) -> bool:
    """Return whether the right code would sign somebody in. Where anybody may sign up it is True without a query.

    Else both questions are always asked, so that the time does not tell who has an account.
    """
    if are_public():
        return True
    user, allowed = current().find(phone, request), may_sign_up(phone, request)
    return bool(user.is_active) if user else allowed


def sign_up(phone: str, request: HttpRequest | None, profile: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return the new user of a verified phone, and True; False if another request has just created the user.

    Raise InvalidOrExpiredCode for whom ``may_sign_up`` refuses; PhoneTaken while whoever had the number may still take
    it back; and what :func:`user_for` raises.
    """
    if not may_sign_up(phone, request):
        raise InvalidOrExpiredCode
    if wait := number_changes.seconds_kept(phone):
        raise PhoneTaken(wait)
    return _create_once(phone, request, profile)


def user_for(
    phone: str, request: HttpRequest | None = None, profile: Mapping[str, Any] | None = None
) -> tuple[Any, bool]:
    """Return the user of a phone, whoever may sign up, and whether this call created it. Two calls make one user.

    Raise UserNotCreated if the model refuses the new user.
    """
    user = current().find(phone, request)
    return (user, False) if user else _create_once(phone, request, profile or {})


def _create_once(phone: str, request: HttpRequest | None, profile: Mapping[str, Any]) -> tuple[Any, bool]:
    accounts, alias = current(), database()
    try:
        with transaction.atomic(using=alias):
            if user := _find_after_turn(alias, phone, request):
                return user, False
            user = accounts.create(phone, request, profile)
            second_phones.end(phone)
            return user, True
    except REFUSALS as error:
        why = _mask_phone(phone, error)
    if user := accounts.find(phone, request):
        return user, False
    logger.error("no user could be created: %s", why)
    raise UserNotCreated(why)  # without the cause, because its details show the phone


def _find_after_turn(alias: str, phone: str, request: HttpRequest | None) -> Any | None:
    """Wait until another first sign-in of the same phone has ended, and return the user that it created.

    On PostgreSQL the second insertion would log an error, which shows the phone. On SQLite the second insertion of the
    default fails, and its user is found afterwards. A class that reads first and writes then needs the turn there, too:
    SQLite refuses a write ("database is locked") to a transaction that has read what another has changed since.
    """
    if not writes.may_combine(alias) and is_default("find") and is_default("create"):
        return None
    writes.take_turn(alias, phone_key(phone), get_user_model())
    return current().find(phone, request)


def _mask_phone(phone: str, error: Exception) -> str:
    """Return an error's first line, which names the field, with the phone masked. Other lines show the row's values."""
    first, _, _ = str(error).partition("\n")
    return f"{type(error).__name__}: {first.replace(phone[1:], phones.mask(phone)[1:])}"
