"""Copy all that the app keeps of a person into one document, for the person.

One line of a table below for each of our tables: a list in the document, with the columns that are the person's own
data. No list holds a secret, nor more than MAX_LISTED rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import models

from .. import accounts
from ..accounts import adapter, devices
from ..accounts.events import Kind
from ..challenges.policies import MAX_TTL_SECONDS
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
_OF_NUMBER = (Kind.NUMBER_CHANGED, Kind.NUMBER_GIVEN_BACK, Kind.NUMBER_RESTORED)


def copy_of(user: Any) -> dict[str, Any]:
    """Return the copy, with what the class in force adds under ``project``. It costs the same queries for everybody."""
    phone = accounts.phone_of(user)
    forgotten = devices.ended_at(phone) if phone else 0
    account = {"id": user.pk, "phone": phone, "last_login": accounts.last_login(user)}
    shown = {name: value for name, value in adapter.own_members(user).items() if name not in account}
    lists = {name: list(_rows(*columns, user)) for name, columns in OF_USER.items()}
    since = _held_since(user, lists["events"])
    return {
        "user": {**accounts.current().shown(user), **shown, **account},
        **lists,
        "messages": _messages(phone, since) if phone else [],
        "line_lookups": _line_lookups(phone, since) if phone else [],
        "devices_forgotten_at": _instant(forgotten) if forgotten else None,
        "project": accounts.current().export(user),
    }


def _rows(model: type[models.Model], way: str, names: tuple[str, ...], user: Any) -> Iterator[dict[str, Any]]:
    alias = accounts.database()  # a replica has the newest rows late
    rows = model._base_manager.using(alias).filter(**{way: user.pk}).order_by("-pk")
    for row in rows.values(*names)[:MAX_LISTED]:
        yield {name: _plain(name, value) for name, value in row.items()}


def _held_since(user: Any, happened: Sequence[Mapping[str, Any]]) -> int:
    """Return since when a user has had the phone (milliseconds): what was before is of whoever had it then.

    ``happened`` are the user's events, the newest first. The code that has proven the phone was sent before.
    """
    joined: datetime | None = getattr(user, "date_joined", None)
    last = next((event for event in happened if event["kind"] in _OF_NUMBER), None)
    got = last["at"] if last and last["kind"] != Kind.NUMBER_RESTORED else None  # which was kept for the user
    known = [int(at.timestamp() * 1000) for at in (joined, got) if at]
    return max(known, default=0) - MAX_TTL_SECONDS * 1000


def _messages(phone: str, since: int) -> list[dict[str, Any]]:
    """Return the messages to a phone of thirty days. Of a company's reference the end is enough to find it by."""
    keys = [phone_key(phone), phone_key(phone, "any")]
    rows = Delivery.objects.using(accounts.database()).filter(phone__in=keys, sent_at__gte=since).order_by("-sent_at")
    found = list(rows.values(*_MESSAGE)[:MAX_LISTED])
    for row in found:
        row["reference"] = row["reference"] and f"…{row['reference'][-_SHOWN_OF_REFERENCE:]}"
    return found


def _line_lookups(phone: str, since: int) -> list[dict[str, Any]]:
    """Return what was asked about the line of a phone, in thirty days."""
    rows = LineLookup.objects.using(accounts.database()).filter(phone=phone_key(phone), at__gte=since).order_by("-pk")
    found = rows.values("at", "finding", "line_type")[:MAX_LISTED]
    return [{name: _plain(name, value) for name, value in row.items()} for row in found]


def _plain(name: str, value: Any) -> Any:
    return _instant(value) if name in _INSTANTS and isinstance(value, int) else value


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
