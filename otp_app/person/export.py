"""Copy all that the app keeps of a person into one document, for the person.

One line of a table below for each of our tables: a list in the document, with the columns that are the person's own
data. No list holds a secret, nor more than MAX_LISTED rows.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import models

from .. import accounts
from ..accounts import adapter, devices
from ..keys import phone_key
from ..models import (
    Authenticator,
    AuthorizationCode,
    Confirmation,
    Delivery,
    EmailAddress,
    LineLookup,
    Notification,
    NumberChange,
    Passkey,
    Recovery,
    RecoveryCode,
    RefreshToken,
    ReleasedNumber,
    SecondPhone,
    SecurityEvent,
    Token,
    UserSession,
)

MAX_LISTED = 1000
_SESSION = ("began_at", "expires_at", "client_name", "network")
_Columns = tuple[type[models.Model], str, tuple[str, ...]]

# By the name of the list: the table, the way from it to the user, and what is shown.
OF_USER: Mapping[str, _Columns] = {
    "tokens": (Token, "user", (*_SESSION, "used_at")),
    "refresh_tokens": (RefreshToken, "user", (*_SESSION, "used_at")),
    "browser_sessions": (UserSession, "user", _SESSION),
    "sign_ins_for_sites": (AuthorizationCode, "user", ("client__name", "expires_at")),
    "confirmations": (
        Confirmation,
        "user",
        ("purpose", "by", "context", "created_at", "confirmed_at", "used_at"),
    ),
    "notifications": (Notification, "user", ("kind", "phone", "language", "outcome", "created_at", "used_at")),
    "events": (SecurityEvent, "user", ("kind", "at", "client_name", "network")),
    "authenticators": (Authenticator, "user", ("created_at",)),
    "email_addresses": (EmailAddress, "user", ("email", "created_at", "verified_at")),
    "number_changes": (NumberChange, "user", ("old", "new", "second", "created_at", "changed_at", "restored_at")),
    "released_numbers": (ReleasedNumber, "user", ("phone", "at")),
    "second_phones": (SecondPhone, "user", ("phone", "verified_at")),
    "passkeys": (Passkey, "user", ("name", "backed_up", "created_at", "used_at")),
    "recovery_codes": (RecoveryCode, "user", ("number",)),
    "recoveries": (Recovery, "user", ("begun_at", "ended_at", "ended_by", "expires_at")),
}
_MESSAGE = ("channel", "provider", "reference", "status", "region", "created_at", "updated_at", "device", "converted")
# Where they are numbers, of milliseconds.
_INSTANTS = (
    *("at", "created_at", "changed_at", "restored_at", "confirmed_at", "used_at", "expires_at", "verified_at"),
    *("begun_at", "ended_at"),
)
_SHOWN_OF_REFERENCE = 4


def copy_of(user: Any) -> dict[str, Any]:
    """Return the copy, with what the class in force adds under ``project``. It costs the same queries for everybody."""
    phone = accounts.phone_of(user)
    forgotten = devices.ended_at(phone) if phone else 0
    account = {"id": user.pk, "phone": phone, "last_login": accounts.last_login(user)}
    shown = {name: value for name, value in adapter.own_members(user).items() if name not in account}
    return {
        "user": {**accounts.current().shown(user), **shown, **account},
        **{name: list(_rows(*columns, user)) for name, columns in OF_USER.items()},
        "messages": _messages(phone) if phone else [],
        "line_lookups": _line_lookups(phone) if phone else [],
        "devices_forgotten_at": _instant(forgotten) if forgotten else None,
        "project": accounts.current().export(user),
    }


def _rows(model: type[models.Model], way: str, names: tuple[str, ...], user: Any) -> Iterator[dict[str, Any]]:
    alias = accounts.database()  # a replica has the newest rows late
    rows = model._base_manager.using(alias).filter(**{way: user.pk}).order_by("-pk")
    for row in rows.values(*names)[:MAX_LISTED]:
        yield {name: _plain(name, value) for name, value in row.items()}


def _messages(phone: str) -> list[dict[str, Any]]:
    """Return the messages to a phone of thirty days. Of a company's reference the end is enough to find it by."""
    keys = [phone_key(phone), phone_key(phone, "any")]
    rows = Delivery.objects.using(accounts.database()).filter(phone__in=keys).order_by("-sent_at")
    found = list(rows.values(*_MESSAGE)[:MAX_LISTED])
    for row in found:
        row["reference"] = row["reference"] and f"…{row['reference'][-_SHOWN_OF_REFERENCE:]}"
    return found


def _line_lookups(phone: str) -> list[dict[str, Any]]:
    """Return what was asked about the line of a phone, in thirty days."""
    rows = LineLookup.objects.using(accounts.database()).filter(phone=phone_key(phone)).order_by("-pk")
    found = rows.values("at", "finding", "line_type")[:MAX_LISTED]
    return [{name: _plain(name, value) for name, value in row.items()} for row in found]


def _plain(name: str, value: Any) -> Any:
    return _instant(value) if name in _INSTANTS and isinstance(value, int) else value


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
