"""Define a table with a column of each kind that needs care, and insert rows into it."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import connection, models
from django.utils import timezone

from otp_app.db.writes import inserting, run

POSTGRESQL = connection.vendor == "postgresql"


class Loud(models.CharField):
    """Store text in small letters, and read it in capitals."""

    def get_prep_value(self, value):
        return value and value.lower()

    def from_db_value(self, value, expression, connection):
        return value and value.upper()


class Thing(models.Model):
    """Hold a column of each kind that needs care."""

    name = Loud(max_length=16, unique=True)
    number = models.IntegerField(default=7)
    light = models.BooleanField(default=True)
    dark = models.BooleanField(default=False)
    note = models.CharField(max_length=16)
    word = models.CharField(max_length=16, default="a word")
    maybe = models.IntegerField(null=True)
    token = models.UUIDField(default=uuid4)
    data = models.JSONField(default=dict)
    made = models.DateTimeField(default=timezone.now)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("1.50"))
    digest = models.BinaryField(default=b"\0\xff")

    class Meta:
        app_label = "tests"

    def __str__(self):
        return self.name


WHOLE = {
    "number": -1,
    "light": False,
    "dark": True,
    "note": "it's 100 %s",
    "word": "",
    "maybe": 0,
    "token": UUID(int=1),
    "data": {"a": [1, None, "ö"]},
    "made": datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC),
    "price": Decimal("2.25"),
    "digest": b"'\0",
}


def insert(name, **values):
    return run("default", inserting("default", Thing, {"name": name} | values))


def facts(thing):
    """Return a thing's values. The digest becomes bytes, because PostgreSQL gives a memoryview."""
    return {name: getattr(thing, name) for name in WHOLE} | {"digest": bytes(thing.digest)}
