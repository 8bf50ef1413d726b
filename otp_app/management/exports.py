"""Read users with confirmed numbers from files, one at a time: a CSV file, or an export of Firebase or Supabase."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from django.utils import timezone

_CHUNK_CHARACTERS = 1 << 16
_MAX_USER_CHARACTERS = 1 << 20  # of one user in Firebase's JSON
_USERS = re.compile(r'\s*\{\s*"users"\s*:\s*\[')
_BETWEEN_USERS = re.compile(r"[\s,]*")
# What `firebase auth:export users.csv` writes has no heading: the places of phoneNumber and disabled.
_FIREBASE_PHONE, _FIREBASE_DISABLED = 25, 26
_SUPABASE_TIMES = ("phone_confirmed_at", "banned_until", "deleted_at")
_BOOLEANS = {"": True, "1": True, "true": True, "t": True, "0": False, "false": False, "f": False}


@dataclass(frozen=True, slots=True)
class Exported:
    """Hold a user of a file. ``phone`` is empty for who has none; ``fault`` says why the user cannot be taken over."""

    phone: str
    active: bool = True
    fault: str = ""


def read_csv(file: TextIO) -> Iterator[Exported]:
    """Read a file with the column ``phone``, and perhaps ``active`` (1 or 0). All its numbers count as confirmed."""
    for row in _rows(file, {"phone"}):
        active = _BOOLEANS.get((row.get("active") or "").lower())
        yield Exported(row["phone"] or "", bool(active), "" if active is not None else "unreadable_active")


def read_firebase(file: TextIO) -> Iterator[Exported]:
    """Read what ``firebase auth:export`` writes, as JSON or as CSV. Firebase keeps confirmed numbers only."""
    is_json = file.read(1) == "{"
    file.seek(0)
    if is_json:
        for user in _firebase_users(file):
            yield Exported(user.get("phoneNumber") or "", not user.get("disabled"))
        return
    for row in csv.reader(file):
        if len(row) <= _FIREBASE_DISABLED:
            yield Exported("", fault="unreadable_line")
        else:
            yield Exported(row[_FIREBASE_PHONE], row[_FIREBASE_DISABLED] != "true")


def read_supabase(file: TextIO) -> Iterator[Exported]:
    """Read the table ``auth.users`` as CSV, where phones have no +. Who is banned is inactive."""
    for row in _rows(file, {"phone", *_SUPABASE_TIMES}):
        if not row["phone"]:
            yield Exported("")
            continue
        phone = f"+{row['phone'].removeprefix('+')}"
        try:
            confirmed, banned_until, deleted = (_time(row[name]) for name in _SUPABASE_TIMES)
        except ValueError:
            yield Exported(phone, fault="unreadable_time")
            continue
        fault = "deleted" if deleted else "" if confirmed else "unconfirmed"
        yield Exported(phone, not banned_until or banned_until <= timezone.now(), fault)


FORMATS: dict[str, Callable[[TextIO], Iterator[Exported]]] = {
    "csv": read_csv,
    "firebase": read_firebase,
    "supabase": read_supabase,
}


def _rows(file: TextIO, needed: set[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file with a heading, "" where a row is short. Raise ValueError if a column is missing."""
    rows = csv.DictReader(file, restval="")
    if missing := needed - set(rows.fieldnames or ()):
        raise ValueError(f"the file has no column {', '.join(sorted(missing))}.")
    return rows


def _time(text: str) -> datetime | None:
    """Read a time as PostgreSQL writes it, with its offset. Raise ValueError for anything else."""
    if not text:
        return None
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time


def _firebase_users(file: TextIO) -> Iterator[dict[str, Any]]:
    """Yield the objects of ``{"users": […]}`` while the file is read. Raise ValueError if it is none, or is cut off."""
    decoder, text = json.JSONDecoder(), file.read(_CHUNK_CHARACTERS)
    if not (begun := _USERS.match(text)):
        raise ValueError("the file is not what firebase auth:export writes.")
    position = begun.end()
    while True:
        position = _BETWEEN_USERS.match(text, position).end()  # type: ignore[union-attr]  # it matches "" as well
        if text.startswith("]", position):
            return
        try:
            user, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            more = file.read(_CHUNK_CHARACTERS)
            if not more or len(text) - position > _MAX_USER_CHARACTERS:
                raise ValueError("the file is cut off: it ends within a user.") from None
            text, position = text[position:] + more, 0
        else:
            if not isinstance(user, dict):
                raise ValueError("the file is not what firebase auth:export writes.")  # noqa: TRY004  (wrong is the file)
            yield user
