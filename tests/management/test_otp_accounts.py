"""Staff finds out which accounts had a number, opens an idle one, and gives a number back."""

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from otp_app import accounts, services, tokens
from otp_app.accounts import devices, events, released_numbers
from otp_app.errors import IsThisYou, PhoneTaken
from otp_app.models import ReleasedNumber
from otp_app.testing import create_admin
from tests import members
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)

IDLE = 91 * 24 * 3600


@pytest.fixture
def sign_in(outbox, settings):
    settings.OTP_WAITS = ()

    def sign_in(phone, **answer):
        services.send_code(phone=phone)
        return services.sign_in(phone=phone, code=outbox[-1].code, **answer)

    return sign_in


@pytest.fixture
def old(sign_in, clock):
    """The number, and the user who was last there more than 90 days ago."""
    phone = new_phone()
    user = sign_in(phone).user
    clock.advance(IDLE)
    return phone, user


@pytest.fixture
def lost(old, sign_in):
    """The number, the user who lost it, and the sign-in of who has it now."""
    phone, user = old
    return phone, user, sign_in(phone, anew=True)


def run(capsys, *options):
    call_command("otp_accounts", *options)
    return capsys.readouterr().out


def holder(phone):
    return get_user_model().objects.get(phone=phone)


def test_a_number_that_was_lost_is_told_without_its_last_digits(lost):
    phone, user, _ = lost
    assert str(ReleasedNumber.objects.get()) == f"{phone[:7]}•••••• {user.pk}"


def test_it_shows_who_has_a_number_and_who_has_lost_it(lost, capsys):
    phone, user, new = lost
    shown = run(capsys, phone)
    assert f"belongs to user {new.user.pk}, last there 2" in shown
    assert f"--give-back {user.pk}" in shown
    assert phone not in shown


def test_a_number_of_nobody_is_one_of_nobody(capsys):
    assert "belongs to nobody" in run(capsys, new_phone())


def test_the_account_of_who_never_signed_in_is_said_to_be_so(capsys):
    user = get_user_model().objects.create_user(new_phone())
    assert f"user {user.pk}, last there never" in run(capsys, user.phone)


def test_an_account_that_is_opened_takes_the_next_code(old, sign_in, capsys):
    phone, user = old
    with pytest.raises(IsThisYou):
        sign_in(phone)
    run(capsys, phone, "--open")
    assert sign_in(phone).user == user


def test_the_log_tells_of_each_decision_and_of_nothing_that_was_only_looked_at(lost, capsys, caplog):
    phone, user, new = lost
    admin = create_admin()
    run(capsys, phone)
    run(capsys, phone, "--open")
    run(capsys, phone, "--give-back", str(user.pk), "--by", admin.get_username())
    told = [record.otp for record in caplog.records if getattr(record, "otp", {}).get("event") == "account"]
    opened = {"event": "account", "what": "opened", "user": str(new.user.pk), "by": "otp_accounts"}
    given_back = {"event": "account", "what": "number_given_back", "user": str(user.pk), "by": str(admin.pk)}
    assert told == [opened, given_back]


def test_a_number_is_given_back_with_everything_that_the_account_had(lost, sign_in, capsys):
    phone, user, new = lost
    run(capsys, phone, "--give-back", str(user.pk))
    assert (holder(phone), accounts.phone_of(get_user_model().objects.get(pk=new.user.pk))) == (user, "")
    assert not new.user.otp_tokens.exists()
    assert not devices.recognise(phone, new.device)
    assert sign_in(phone).user == user
    assert [row.user for row in released_numbers.of(phone)] == [new.user]
    assert events.Kind.NUMBER_GIVEN_BACK in [event.kind for event in events.of(user)]


def test_a_number_that_nobody_has_is_given_back_too(lost, capsys):
    phone, user, new = lost
    new.user.delete()
    run(capsys, phone, "--give-back", str(user.pk))
    assert (holder(phone), ReleasedNumber.objects.count()) == (user, 0)


def test_the_account_that_lost_a_number_takes_what_is_kept_of_it_along(lost):
    lost[1].delete()
    assert not ReleasedNumber.objects.exists()


class Stubborn(accounts.Accounts):
    """Lets nobody have another number."""

    def set_phone(self, user, phone):
        pass


class Strict(accounts.Accounts):
    """Refuses by the database what the default would write."""

    def set_phone(self, user, phone):
        raise IntegrityError


@pytest.mark.parametrize(
    "accounts_class", [f"{Stubborn.__module__}.Stubborn", f"{Strict.__module__}.Strict", members.path(members.Own)]
)
def test_where_a_project_takes_no_number_away_nobody_gets_a_new_account(sign_in, clock, settings, accounts_class):
    """The default takes a number from the phone field, and another class may find users by another field."""
    settings.OTP_ACCOUNTS, phone = accounts_class, new_phone()
    user = sign_in(phone).user
    clock.advance(IDLE)
    with pytest.raises(PhoneTaken):
        sign_in(phone, anew=True)
    after = get_user_model().objects.get()
    assert (after, after.phone) == (user, user.phone)
    assert not ReleasedNumber.objects.exists()


def test_a_number_that_cannot_be_given_back_stays_where_it_is(lost, settings, monkeypatch):
    phone, user, new = lost
    monkeypatch.setattr(type(accounts.current()), "set_phone", Stubborn.set_phone)
    with pytest.raises(CommandError, match="Try again"):
        call_command("otp_accounts", phone, "--give-back", str(user.pk))
    assert holder(phone) == new.user
    assert [row.user for row in ReleasedNumber.objects.all()] == [user]


def test_who_has_another_number_by_now_gets_none_back_and_nobody_is_signed_out(lost):
    phone, user, new = lost
    other = new_phone()
    accounts.current().set_phone(user, other)
    with pytest.raises(CommandError, match="has another number"):
        call_command("otp_accounts", phone, "--give-back", str(user.pk))
    assert tokens.authenticate(new.issued.token) == new.user
    assert (holder(phone), holder(other)) == (new.user, user)


@pytest.mark.parametrize("options", [["--open"], ["--give-back"]])
def test_who_decided_is_in_the_history_of_the_admin(lost, options):
    phone, user, new = lost
    admin = create_admin()
    named = [*options, str(user.pk)] if "--give-back" in options else options
    call_command("otp_accounts", phone, *named, "--by", admin.get_username())
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (admin, str((user if "--give-back" in options else new.user).pk))


def test_without_an_admin_there_is_no_history(lost, monkeypatch):
    monkeypatch.setattr(apps, "is_installed", lambda name: False)
    call_command("otp_accounts", lost[0], "--open", "--by", create_admin().get_username())
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["12345"], "mobile number"),
        (["+998901234567", "--open"], "No account has this number"),
        (["+998901234567", "--give-back", "7"], "has not lost this number"),
        (["+998901234567", "--by", "nobody"], "no such user"),
    ],
)
def test_what_cannot_be_done_is_said(options, message):
    with pytest.raises(CommandError, match=message):
        call_command("otp_accounts", *options)
