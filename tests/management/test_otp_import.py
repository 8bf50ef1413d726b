"""``manage.py otp_import``: users whose numbers another service has confirmed."""

import csv
import io
import re

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management import CommandError, call_command
from django.db import connection, models

from otp_app import accounts
from otp_app.accounts import adapter, second_phones
from otp_app.challenges import random_id
from otp_app.errors import UserNotCreated
from otp_app.management.commands import otp_import as command
from otp_app.models import User

pytestmark = pytest.mark.django_db

PHONE, OTHER = "+998901234567", "+998911234567"


@pytest.fixture
def take_over(tmp_path):
    def run(text, *options, form="csv"):
        path, out = tmp_path / "users", io.StringIO()
        path.write_text(text, encoding="utf-8")
        call_command("otp_import", str(path), f"--format={form}", *options, stdout=out)
        return out.getvalue()

    return run


def users():
    return dict(User.objects.order_by("phone").values_list("phone", "is_active"))


def test_numbers_become_users_who_sign_in_and_no_message_is_sent(take_over, outbox):
    text = f"phone,active\n{PHONE},1\n{OTHER},0\n"
    dry = take_over(text)
    assert dry == (
        "2 users can be created, 0 exist already, 0 have no phone, 0 cannot be taken over."
        " Nothing was written; --apply creates them.\n"
    )
    assert users() == {}
    done = take_over(text, "--apply")
    assert done == "2 users created, 0 exist already, 0 have no phone, 0 cannot be taken over.\n"
    assert users() == {PHONE: True, OTHER: False}
    assert not User.objects.get(phone=PHONE).has_usable_password()
    assert accounts.user_for(PHONE) == (User.objects.get(phone=PHONE), False)
    assert not outbox


def test_the_same_again_creates_nobody_and_changes_nobody(take_over):
    text = f"phone,active\n{PHONE},1\n{OTHER},0\n{PHONE},0\n"
    assert "2 users created, 1 exist already" in take_over(text, "--apply")
    User.objects.filter(phone=OTHER).update(is_active=True)
    for options in ([], ["--apply"]):
        assert re.match("0 users (can be )?created, 3 exist already", take_over(text, *options))
    assert users() == {PHONE: True, OTHER: True}


def test_a_number_that_was_the_second_of_somebody_is_that_no_more(take_over):
    second_phones.keep(other := User.objects.create_user(OTHER), PHONE, random_id(), None)
    assert "1 user created" in take_over(f"phone\n{PHONE}\n", "--apply")
    assert not second_phones.of(other)


def test_a_national_form_needs_its_country(take_over, settings):
    text = "phone\n90 123 45 67\n"
    assert "1 cannot be taken over" in take_over(text, "--apply")
    assert "1 user created" in take_over(text, "--apply", "--region=uz")
    assert users() == {PHONE: True}


def test_who_cannot_be_taken_over_is_shown_masked_and_in_full_in_the_report_alone(take_over, settings, tmp_path):
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    text = f"phone\n+77012345678\n\n{PHONE}\n+998712345678\ncall my wife\n"
    report = tmp_path / "report.csv"
    told = take_over(text, "--apply", f"--report={report}")
    assert told.splitlines() == [
        "user 1 of the file, +77012••••••: region_not_allowed",
        "user 3 of the file, +998712••••••: invalid_phone",
        "user 4 of the file: invalid_phone",
        "1 user created, 0 exist already, 0 have no phone, 3 cannot be taken over.",
    ]
    assert [*csv.reader(report.read_text().splitlines())] == [
        ["user", "phone", "reason"],
        ["1", "+77012345678", "region_not_allowed"],
        ["3", "+998712345678", "invalid_phone"],
        ["4", "call my wife", "invalid_phone"],
    ]
    assert users() == {PHONE: True}


def test_of_many_who_cannot_be_taken_over_the_first_are_shown(take_over, monkeypatch):
    monkeypatch.setattr(command, "_BATCH_USERS", 15)
    told = take_over("phone\n" + "x\n" * 50)
    assert [line.partition(":")[0] for line in told.splitlines()[:-1]] == [
        f"user {n} of the file" for n in range(1, 21)
    ]
    assert "50 cannot be taken over" in told


def test_after_a_kill_it_goes_on_with_the_batch_that_it_was_at(take_over, monkeypatch):
    monkeypatch.setattr(command, "_BATCH_USERS", 2)
    phones = [f"+99890123456{n}" for n in range(5)]
    text, user_for = "phone\n" + "\n".join(phones), accounts.user_for

    def dying(phone):
        if phone == phones[3]:
            raise KeyboardInterrupt
        return user_for(phone)

    monkeypatch.setattr(accounts, "user_for", dying)
    with pytest.raises(KeyboardInterrupt):
        take_over(text, "--apply")
    assert list(users()) == phones[:2]
    monkeypatch.setattr(accounts, "user_for", user_for)
    assert "3 users created, 2 exist already" in take_over(text, "--apply")


def test_whom_the_user_model_refuses_is_told_of_and_the_others_are_created(take_over, monkeypatch):
    user_for = accounts.user_for

    def refusing(phone):
        if phone == PHONE:
            raise UserNotCreated
        return user_for(phone)

    monkeypatch.setattr(accounts, "user_for", refusing)
    told = take_over(f"phone\n{PHONE}\n{OTHER}\n", "--apply")
    assert "user 1 of the file, +998901••••••: user_not_created" in told
    assert list(users()) == [OTHER]


def test_users_without_a_phone_are_counted_and_exports_are_read_by_their_form(take_over):
    json = '{"users": [\n{"localId": "a", "phoneNumber": "+998901234567", "disabled": true},\n{"localId": "b"}]}'
    assert "1 user created, 0 exist already, 1 have no phone, 0 cannot" in take_over(json, "--apply", form="firebase")
    rows = "phone,phone_confirmed_at,banned_until,deleted_at\n998911234567,2026-01-02 03:04:05+00,,\n,,,\n"
    told = take_over(rows, "--apply", form="supabase")
    assert "1 user created, 0 exist already, 1 have no phone, 0 cannot" in told
    assert users() == {PHONE: False, OTHER: True}


@pytest.mark.parametrize("text", ["mobile\n+998901234567\n", ""])
def test_a_file_of_another_form_is_refused(take_over, text):
    with pytest.raises(CommandError, match="has no column phone"):
        take_over(text)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("otp_import", str(tmp_path / "none"), "--format=csv")


class Lasting(AbstractBaseUser):
    """Of a project that deactivates nobody."""

    phone = models.CharField(max_length=16, unique=True)
    objects = models.Manager()
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"


@pytest.mark.django_db(transaction=True)
def test_who_is_deactivated_is_left_out_where_nobody_can_be(take_over, monkeypatch):
    for module in (adapter, command):
        monkeypatch.setattr(module, "get_user_model", lambda: Lasting)
    with connection.schema_editor() as editor:
        editor.create_model(Lasting)
    try:
        told = take_over(f"phone,active\n{PHONE},0\n{OTHER},1\n", "--apply")
        assert "user 1 of the file, +998901••••••: inactive" in told
        assert [user.phone for user in Lasting.objects.all()] == [OTHER]
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Lasting)
