"""Lists of whole numbers in a column, on either database."""

import pytest
from django.db import connection, models

from otp_app.models import Counter
from otp_app.models.fields import IntegersField

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("numbers", [[], [0], [2**31 - 1, 0, 5]])
def test_what_is_written_is_read_again(numbers):
    big = [number * 2**10 for number in numbers]
    Counter.objects.create(key="1" * 32, newest=big, rings=numbers, expires_at=1)
    counter = Counter.objects.get()
    assert (counter.newest, counter.rings) == (big, numbers)
    counter.rings = [*numbers, 9]
    counter.save()
    assert Counter.objects.values_list("rings", flat=True).get() == [*numbers, 9]


@pytest.mark.parametrize(("big", "kind"), [(False, "integer[]"), (True, "bigint[]")])
def test_it_is_an_array_where_there_are_arrays(big, kind):
    assert IntegersField(big=big).db_type(connection) == (kind if connection.vendor == "postgresql" else "text")


@pytest.mark.parametrize("big", [False, True])
def test_a_migration_makes_the_same_field(big):
    field = IntegersField(big=big)
    _, path, args, kwargs = field.deconstruct()
    assert path == "otp_app.models.fields.IntegersField"
    made = IntegersField(*args, **kwargs)
    assert (made.big, isinstance(made, models.Field)) == (big, True)
