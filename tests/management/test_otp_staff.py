"""The command otp_staff: whose second factor it removes, what it says and what it leaves on record."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from otp_app.accounts import events
from otp_app.factors import authenticators, kept
from otp_app.models import Passkey, User
from tests.factories import new_phone
from tests.factors.test_authenticators import enrolled

pytestmark = pytest.mark.django_db


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.INFO, "otp_app.guard")
    return caplog


def test_it_removes_the_factor_of_this_person_alone(capsys, records):
    factor, other = enrolled()[0], enrolled()[0]
    call_command("otp_staff", "--reset", f" {factor.user.phone} ".replace("+998", "+998 "))
    assert authenticators.find(factor.user) is None
    assert authenticators.find(other.user) == other
    (record,) = records.records
    expected = {"event": "second_factor", "what": "removed", "user": str(factor.user.pk), "by": "otp_staff"}
    assert (record.levelname, record.otp) == ("WARNING", expected)
    assert not LogEntry.objects.exists()


def test_the_owner_finds_it_among_the_events(capsys):
    factor, _ = enrolled()
    call_command("otp_staff", "--reset", factor.user.phone)
    assert [event.kind for event in events.of(factor.user)] == ["sessions_ended", "authenticator_removed"]


def test_passkeys_go_as_well_and_those_of_others_stay(capsys):
    owner, other = enrolled()[0].user, enrolled()[0].user
    facts = {"sign_count": 0, "backup_eligible": True, "backed_up": True, "created_at": timezone.now()}
    for user in (owner, other):
        Passkey.objects.create(user=user, credential_id=user.phone.encode(), public_key=b"", user_handle=b"", **facts)
    call_command("otp_staff", "--reset", owner.phone)
    assert [row.user for row in Passkey.objects.all()] == [other]
    assert "passkey_removed" in [event.kind for event in events.of(owner)]


def test_whoever_had_only_a_passkey_had_a_second_factor(capsys):
    user = User.objects.create_superuser(new_phone(), "x")
    facts = {"sign_count": 0, "backup_eligible": True, "backed_up": True, "created_at": timezone.now()}
    Passkey.objects.create(user=user, credential_id=b"x", public_key=b"", user_handle=b"", **facts)
    call_command("otp_staff", "--reset", user.phone)
    assert capsys.readouterr().out == f"{user}: Second factor removed; sessions and tokens ended.\n"
    assert not kept.has_any(user)


@pytest.mark.requests
@pytest.mark.parametrize("engine", ["db", "cached_db"])
def test_it_ends_the_sessions_that_began_by_a_password_of_this_person_alone(capsys, settings, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    browsers = {enrolled()[0].user: Client() for _ in range(2)}
    for person, browser in browsers.items():
        browser.force_login(person)
    (gone, _), (left, _) = browsers.items()
    call_command("otp_staff", "--reset", gone.phone)
    assert Session.objects.get().get_decoded()["_auth_user_id"] == str(left.pk)
    assert [browser.session.get("_auth_user_id") for browser in browsers.values()] == [None, str(left.pk)]
    assert capsys.readouterr().err == ""


def test_it_says_where_sessions_cannot_be_listed(capsys, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    call_command("otp_staff", "--reset", enrolled()[0].user.phone)
    assert "change the password" in capsys.readouterr().err


def test_the_admin_has_a_record_of_whom_by_names(capsys, records):
    factor, by = enrolled()[0], User.objects.create_superuser(new_phone(), "x")
    call_command("otp_staff", "--reset", factor.user.phone, "--by", by.phone)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (by, str(factor.user.pk), "Second factor removed.")
    assert records.records[-1].otp["by"] == str(by.pk)


def test_who_had_none_is_signed_out_all_the_same(capsys):
    user = User.objects.create_user(new_phone())
    call_command("otp_staff", "--reset", user.phone)
    assert capsys.readouterr().out == f"{user}: There was no second factor; sessions and tokens ended.\n"


@pytest.mark.parametrize("option", ["--reset", "--by"])
def test_somebody_unknown_is_refused_and_nothing_changes(option):
    factor = enrolled()[0]
    words = {"--reset": factor.user.phone, "--by": factor.user.phone} | {option: "nobody"}
    with pytest.raises(CommandError, match=f"{option} nobody: there is no such user."):
        call_command("otp_staff", *(word for pair in words.items() for word in pair))
    assert authenticators.find(factor.user) == factor


def test_a_project_without_the_admin_can_use_it(settings, capsys):
    factor = enrolled()[0]
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if "Admin" not in each]
    call_command("otp_staff", "--reset", factor.user.phone, "--by", factor.user.phone)
    assert authenticators.find(factor.user) is None
