"""Find and correct phones that are not in E.164 form: signing in by one creates a second account."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Value

from .. import phones
from ..errors import InvalidPhone
from .columns import Column


@dataclass(frozen=True, slots=True)
class Spelling:
    """Hold a stored phone that is wrong: in another form than E.164, or the same as another row's.

    ``phone`` is the E.164 form, empty if it cannot be read; ``holder`` is the key of the row that has it, or is to get
    it as the first in the list.
    """

    pk: Any
    stored: Any
    phone: str
    holder: Any | None = None


def not_in_e164(column: Column, rows: Iterable[tuple[Any, Any]], region: str) -> Iterator[Spelling]:
    """Yield the phones that are not in E.164 form. A phone without country code is read as a number of ``region``."""
    for pk, value in rows:
        phone = _parse(str(value), region)
        if value and column.field.to_python(phone) != value:
            yield Spelling(pk, value, phone)


def wrong(column: Column, region: str) -> Iterator[list[Spelling]]:
    """Yield, in batches, the phones that are not in E.164 form and those that several rows have."""
    with closing(sqlite3.connect("")) as owners:  # a temporary file, because there may be millions
        owners.execute("CREATE TABLE owners (phone TEXT PRIMARY KEY, pk TEXT)")
        for batch in column.phones():
            others = list(not_in_e164(column, batch, region))
            holder_of = _holders(column, others)
            found = [
                Spelling(each.pk, each.stored, each.phone, holder_of(each.phone) or _other_owner(each, owners))
                for each in others
            ]
            if not column.field.unique:
                found += _repeated(batch, {each.pk for each in others}, owners)
            yield found


def replace(column: Column, pk: Any, old: Any, new: Any) -> bool:
    """Write a phone over another, if that is still stored and no other row has the new one; return whether it did."""
    # As a Value, because a field that normalises what it is given would find nothing.
    unchanged = column.rows().filter(pk=pk, **{column.name: Value(old)})
    try:
        with transaction.atomic(using=column.database):
            return bool(unchanged.update(**{column.name: new}))
    except IntegrityError:
        return False


def _holders(column: Column, found: Iterable[Spelling]) -> Callable[[str], Any]:
    """Return a function from a number in E.164 form to the row that it is stored in so, of the numbers found."""

    def key(phone: Any) -> str:
        return str(column.field.get_prep_value(phone))

    numbers = {each.phone for each in found if each.phone}
    rows = column.rows().filter(**{f"{column.name}__in": numbers}).order_by("-pk")
    held = {key(phone): pk for pk, phone in rows.values_list("pk", column.name)}
    return lambda phone: held.get(key(phone)) if phone else None


def _repeated(batch: Iterable[tuple[Any, Any]], others: set[Any], owners: sqlite3.Connection) -> Iterator[Spelling]:
    """Yield the phones in E.164 form that an earlier row has, where the column allows it."""
    for pk, value in batch:
        spelling = Spelling(pk, value, str(value))
        if value and pk not in others and (holder := _other_owner(spelling, owners)):
            yield Spelling(pk, value, str(value), holder)


def _other_owner(spelling: Spelling, owners: sqlite3.Connection) -> str | None:
    """Return the row that has the number, or is to get it as the first in the list; None if that is this one."""
    sql = "INSERT OR IGNORE INTO owners VALUES (?, ?)"
    if not spelling.phone or owners.execute(sql, (spelling.phone, str(spelling.pk))).rowcount:
        return None
    pk: str = owners.execute("SELECT pk FROM owners WHERE phone = ?", (spelling.phone,)).fetchone()[0]
    return pk


def _parse(text: str, region: str) -> str:
    try:
        return phones.parse(text.strip(), gate=False, region=region)
    except InvalidPhone:
        return ""
