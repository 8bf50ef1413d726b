"""A class of accounts that cannot work is refused at start."""

import pytest
from django.core import checks

from otp_app.accounts import Accounts
from tests import members
from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do


@pytest.fixture
def use(settings):
    def use(cls, sign_up="open"):
        settings.OTP_ACCOUNTS, settings.OTP_SIGN_UP = f"{cls.__module__}.{cls.__name__}", sign_up

    return use


def test_a_class_without_the_methods_is_refused(use):
    use(members.Incomplete)
    (error,) = [message for message in checks.run_checks() if message.id.startswith("otp_app")]
    assert (error.id, "may_sign_up, create, phone_of, set_phone, shown, changed" in error.msg) == ("otp_app.E040", True)


def test_of_one_that_cannot_be_imported_one_check_tells(settings):
    settings.OTP_ACCOUNTS = "nowhere.Accounts"
    assert ids() == ["otp_app.E003"]


def test_a_serializer_that_cannot_be_imported_is_refused(monkeypatch, use):
    use(members.Asking)
    monkeypatch.setattr(members.Asking, "sign_up_serializer", "tests.members.Nothing")
    assert ids() == ["otp_app.E003"]


@pytest.mark.parametrize(
    ("cls", "sign_up", "found"),
    [
        (Accounts, "opened", ["otp_app.E041"]),
        (Accounts, "invited", ["otp_app.E042"]),
        (Accounts, "closed", []),
        (members.Guests, "invited", []),
        (members.Guests, "closed", []),
        (members.Guests, "open", ["otp_app.W015"]),
    ],
)
def test_sign_ups_are_open_closed_or_by_an_invitation_that_somebody_decides(use, cls, sign_up, found):
    use(cls, sign_up)
    assert ids() == found


def test_members_that_the_default_could_not_keep_are_refused(use, monkeypatch):
    use(members.Asking)
    assert ids() == []
    monkeypatch.setattr(members.Asking, "create", Accounts.create)
    assert ids() == ["otp_app.E043"]


def test_a_field_that_people_must_fill_in_needs_no_default(use, monkeypatch):
    from otp_app.models import User

    monkeypatch.setitem(User._meta.get_field("full_name").__dict__, "unique", True)
    assert ids() == ["otp_app.E015"]
    use(members.Named)
    assert ids() == []


def test_what_a_class_does_in_its_own_way_is_not_checked(use, settings, monkeypatch):
    from otp_app.models import User

    settings.OTP_USER_PHONE_FIELD = "full_name"
    monkeypatch.setattr(User._meta.get_field("full_name"), "max_length", 3)
    assert ids() == ["otp_app.E008"]
    use(members.Own)
    assert ids() == []
    settings.OTP_USER_PHONE_FIELD = "mobile"
    assert ids() == ["otp_app.E007"]
    use(members.ByHost)
    assert ids() == []


def test_phones_that_are_read_where_the_default_does_not_write_them_are_named(use):
    use(members.Mislaying)
    assert ids() == ["otp_app.E047"]
