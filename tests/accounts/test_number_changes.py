"""The rows of changed numbers: of two requests that have read one, the first writes."""

import pytest

from otp_app.accounts import number_changes
from otp_app.errors import InvalidOrExpiredCode
from tests.factories import new_phone

pytestmark = pytest.mark.django_db

CHANGE = 32 * "a"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


def test_who_was_overtaken_makes_no_change_and_ends_no_other(user):
    number_changes.begin(user, user.phone, new_phone(), CHANGE)
    row = number_changes.open_for(user, CHANGE)
    number_changes.make(row)
    number_changes.begin(user, user.phone, new_phone(), other := 32 * "b")
    with pytest.raises(InvalidOrExpiredCode):
        number_changes.make(row)
    assert number_changes.open_for(user, other)


def test_who_was_overtaken_undoes_nothing(user):
    number_changes.begin(user, user.phone, new_phone(), CHANGE)
    number_changes.make(number_changes.open_for(user, CHANGE))
    row = number_changes.undoable(CHANGE)
    number_changes.undo(row)
    with pytest.raises(InvalidOrExpiredCode):
        number_changes.undo(row)
