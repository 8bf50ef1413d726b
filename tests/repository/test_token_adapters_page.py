"""What docs/token-adapters.md shows works."""

import re

import pytest
from django.utils.module_loading import import_string

from otp_app.models import User
from otp_app.tokens.adapters import LibraryTokens
from tests.factories import new_phone
from tests.programs import ROOT

PAGE = (ROOT / "docs" / "token-adapters.md").read_text(encoding="utf-8")


def blocks():
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_each_row_names_a_backend_and_the_app_that_it_needs():
    rows = re.findall(r"\| `(otp_app\.\S+)` \| `(\S+)` \|", PAGE)
    assert len(rows) == 3
    for backend, app in rows:
        assert issubclass(found := import_string(backend), LibraryTokens)
        assert found.app in {app, ""}


def test_the_class_for_all_views_is_there():
    names = {}
    exec(blocks()[0], names)  # noqa: S102  (it is ours)
    assert all(map(import_string, names["REST_FRAMEWORK"]["DEFAULT_AUTHENTICATION_CLASSES"]))


@pytest.mark.django_db
def test_the_subclass_takes_the_rights_of_staff_away():
    names = {}
    exec(blocks()[1], names)  # noqa: S102
    member = User.objects.create_user(new_phone(), is_staff=True)
    user = names["PhoneJWTAuthentication"]().get_user({"user_id": str(member.pk)})
    assert (user, user.is_staff) == (member, False)
