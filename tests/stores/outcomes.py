"""Outcomes of sends for the write-behind, and what of them is in the database."""

from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from otp_app.challenges import random_id
from otp_app.models import Delivery
from otp_app.stores import outbox
from otp_app.stores.write_behind import Outcome
from tests.factories import new_challenge

BEGUN = {"provider": "one", "claimed_at": 1_700_000_000_000, "unconverted": 4}
# What no database takes; the second is of the right sign, and too large for its column where columns have a size.
BAD = [-1, 99_999] if connection.vendor == "postgresql" else [-1]


def in_its_thread(writer, call=int):
    """After all that the thread has been told to do."""
    return writer._thread.submit(call).result(30)


@contextmanager
def unwritable():
    """The table cannot be written to."""

    def rename(old, new):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    table = Delivery._meta.db_table
    rename(table, "elsewhere")
    try:
        yield
    finally:
        rename("elsewhere", table)


def taken(challenge=None):
    return replace(challenge or new_challenge(), sent_at=(1_700_000_000_000,))


def accepted(journal="", challenge=None, **facts):
    """The end of a send that its provider has taken, and all that it began with."""
    row = outbox.row_of(taken(challenge)) | BEGUN | {"reference": random_id()}
    told = {"status": "sent", "updated_at": timezone.now(), "segments": 1, "price": Decimal("0.05"), "latency": 7}
    return Outcome(row | told | facts, journal)


def refused(journal=""):
    return accepted(journal, segments=BAD[-1])


def rows():
    return sorted(Delivery.objects.values_list("status", "reference"))


def written(*ends):
    return sorted(("sent", end.row["reference"]) for end in ends)
