"""``manage.py otp_phones``: phones that are not in E.164 form, that several have, that some have none of."""

import csv
import errno
import io
import os
import stat

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.models import Value

from otp_app import accounts
from otp_app.accounts import adapter
from otp_app.management import columns, spellings
from otp_app.models import User

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"
SHOWN = "+998901••••••"


def otp_phones(*options):
    out = io.StringIO()
    call_command("otp_phones", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def report(tmp_path):
    return tmp_path / "report.csv"


@pytest.fixture
def fix(report):
    """Correct the phones, as the command does in two steps."""

    def run(*options):
        assert "Nothing was written" in otp_phones("--region=UZ", "--fix", *options)
        report.unlink(missing_ok=True)
        return otp_phones("--region=UZ", "--fix", "--apply", f"--report={report}", *options)

    return run


def user_with(stored):
    """As if it had been written before the app was there."""
    user = User.objects.create(phone=f"{User.objects.count()}")
    User.objects.filter(pk=user.pk).update(phone=Value(stored))
    return user.pk


def stored():
    return dict(User.objects.values_list("pk", "phone"))


def test_phones_in_e164_form_are_none_of_its_business():
    user_with(PHONE)
    assert otp_phones("--fix", "--region", "UZ") == "All phones are in E.164 form.\n"


def test_who_has_no_phone_is_listed():
    user_with(PHONE)
    pk = user_with("")
    assert otp_phones() == f"user {pk}: has no phone.\nAll phones are in E.164 form. 1 row has no phone.\n"


@pytest.mark.parametrize("spelling", ["90 123 45 67", "998901234567", "(90)123-45-67", "+998 90 1234567", "901234567 "])
def test_a_phone_in_another_spelling_is_listed_and_written_only_when_that_is_asked_for(spelling, report):
    pk = user_with(spelling)
    listed = otp_phones("--region", "uz")
    assert listed.splitlines()[0] == f"user {pk}: {SHOWN} is stored in another spelling."
    assert listed.endswith(
        "1 can be corrected, 0 belong to another row, 0 cannot be read. Nothing was written; --fix corrects them.\n"
    )
    planned = otp_phones("--fix", "--region", "UZ")
    assert planned.splitlines()[0] == listed.splitlines()[0]
    assert planned.endswith("Nothing was written; --apply with --report FILE corrects them.\n")
    assert stored() == {pk: spelling}
    done = otp_phones("--fix", "--region", "UZ", "--apply", f"--report={report}")
    assert done.splitlines()[0] == f"user {pk}: corrected to {SHOWN}."
    assert stored() == {pk: PHONE}
    user, is_new = accounts.user_for(PHONE)
    assert (user.pk, is_new) == (pk, False)


def test_without_a_region_only_what_has_its_country_code_is_read(settings, report):
    with_code, without = user_with("+998 90 1234567"), user_with("91 123 45 67")
    assert "1 corrected, 0 belong to another row, 1 cannot be read.\n" in otp_phones(
        "--fix", "--apply", f"--report={report}"
    )
    assert stored() == {with_code: PHONE, without: "91 123 45 67"}
    settings.OTP_DEFAULT_REGION = "UZ"
    assert f"user {without}: +998911•••••• is stored in another spelling." in otp_phones()


def test_the_number_of_another_user_is_never_written_over(fix):
    older, theirs = user_with("90 123 45 67"), user_with(PHONE)
    for text in (otp_phones("--region=UZ"), fix()):
        assert f"user {older}: {SHOWN} belongs to user {theirs}: not changed." in text
    assert stored() == {theirs: PHONE, older: "90 123 45 67"}


def test_of_two_who_have_the_same_number_in_other_spellings_one_gets_it_and_both_are_listed_before(fix):
    first, second = user_with("90 123 45 67"), user_with("901234567")
    listed = otp_phones("--region=UZ")
    for outcome, text in ((f"{SHOWN} is stored in another spelling", listed), (f"corrected to {SHOWN}", fix())):
        assert f"user {first}: {outcome}." in text
        assert f"user {second}: {SHOWN} belongs to user {first}: not changed." in text
    assert stored() == {first: PHONE, second: "901234567"}


def test_what_is_no_phone_is_listed_without_what_it_is(fix):
    pk = user_with("call my wife")
    text = fix()
    assert text.startswith(f"user {pk}: its phone cannot be read as a phone number.\n")
    assert "wife" not in text
    assert stored() == {pk: "call my wife"}


@pytest.mark.parametrize("meanwhile", ["91 123 45 67", PHONE])
def test_what_was_changed_meanwhile_is_left_as_it_is(monkeypatch, meanwhile, fix, report):
    pk, replace = user_with("90 123 45 67"), spellings.replace

    def overtaken(*args):
        user = pk if meanwhile != PHONE else user_with("")
        User.objects.filter(pk=user).update(phone=Value(meanwhile))
        return replace(*args)

    monkeypatch.setattr(spellings, "replace", overtaken)
    text = fix()
    assert f"user {pk}: {SHOWN} was changed by somebody else meanwhile: not changed." in text
    assert text.endswith(
        "0 corrected, 0 belong to another row, 0 cannot be read, 1 changed by somebody else meanwhile.\n"
    )
    assert stored()[pk] == (meanwhile if meanwhile != PHONE else "90 123 45 67")
    assert report.read_text().splitlines() == ["pk,old,new"]


def test_it_reads_one_batch_after_the_other_and_nobody_twice(monkeypatch, django_assert_num_queries, fix):
    monkeypatch.setattr(columns, "_BATCH_ROWS", 2)
    made = [user_with(f"90 123 45 6{n}") for n in range(4)]
    with django_assert_num_queries(3):
        assert [[pk for pk, _ in batch] for batch in columns.column_named("").phones()] == [made[:2], made[2:]]
    text = fix()
    assert [line.partition(":")[0] for line in text.splitlines()[:4]] == [f"user {pk}" for pk in made]
    assert set(stored().values()) == {f"+99890123456{n}" for n in range(4)}


@pytest.mark.parametrize("region", ["Uzbekistan", "XX", ""])
def test_a_region_that_is_none_is_refused(region):
    with pytest.raises(CommandError, match="a country by its two letters"):
        otp_phones(f"--region={region}")


def test_a_report_undoes_what_was_written_and_nothing_that_was_changed_since(fix, report):
    spelled = [user_with("90 123 45 67"), user_with("+99891 1234567"), user_with("93 123 45 67")]
    before = stored()
    fix()
    assert [*csv.reader(report.read_text().splitlines())] == [
        ["pk", "old", "new"],
        [str(spelled[0]), "90 123 45 67", PHONE],
        [str(spelled[1]), "+99891 1234567", "+998911234567"],
        [str(spelled[2]), "93 123 45 67", "+998931234567"],
    ]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    User.objects.filter(pk=spelled[2]).update(phone="+998931234568")
    after = stored()
    assert otp_phones(f"--undo={report}") == "3 phones can be restored. Nothing was written; --apply restores them.\n"
    assert stored() == after
    undone = otp_phones(f"--undo={report}", "--apply")
    assert undone == "2 phones restored, 1 changed meanwhile and left as they are.\n"
    assert stored() == before | {spelled[2]: "+998931234568"}


def test_what_was_not_written_by_a_command_that_died_is_in_no_row_and_what_was_is_in_the_report(monkeypatch, report):
    monkeypatch.setattr(columns, "_BATCH_ROWS", 1)
    first, second = user_with("90 123 45 67"), user_with("91 123 45 67")
    replace = spellings.replace

    def dying(column, pk, *args):
        if pk == second:
            raise KeyboardInterrupt
        return replace(column, pk, *args)

    monkeypatch.setattr(spellings, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        otp_phones("--region=UZ", "--fix", "--apply", f"--report={report}")
    assert stored() == {first: PHONE, second: "91 123 45 67"}
    assert report.read_text().split() == ["pk,old,new", f"{first},90", "123", "45", f"67,{PHONE}"]


def test_nothing_is_written_that_the_report_cannot_undo(monkeypatch, report):
    pk, sync = user_with("90 123 45 67"), os.fsync

    def full(number):
        if len(report.read_text().splitlines()) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match="No space left"):
        otp_phones("--region=UZ", "--fix", "--apply", f"--report={report}")
    assert stored() == {pk: "90 123 45 67"}


def test_a_report_that_is_there_already_is_never_written_over(report):
    user_with("90 123 45 67")
    report.write_text("of yesterday")
    with pytest.raises(CommandError, match="exists"):
        otp_phones("--region=UZ", "--fix", "--apply", f"--report={report}")
    assert report.read_text() == "of yesterday"
    with pytest.raises(CommandError, match="is no report with the columns pk, old, new"):
        otp_phones(f"--undo={report}")


@pytest.mark.parametrize("options", [["--fix", "--apply"], ["--report=x"], ["--fix", "--report=x"]])
def test_nothing_is_written_without_a_report_to_undo_it_by(options):
    with pytest.raises(CommandError, match="need each other"):
        otp_phones(*options)


class TestRelatedModel:
    """Phones on a related model, here as if the log's entries had them."""

    @pytest.fixture
    def entry(self, transactional_db):
        def make(user, text):
            entry = LogEntry(user_id=user, object_repr=text, action_flag=CHANGE)
            LogEntry.objects.bulk_create([entry])
            return entry.pk

        return make

    @pytest.mark.parametrize("field", ["logentry__object_repr", "admin.LogEntry.object_repr"])
    def test_they_are_found_by_a_path_or_by_the_models_name(self, entry, field, fix, report):
        wrong, right, again = (
            entry(user_with(f"+99890123450{n}"), text) for n, text in enumerate(["90 123 45 68", PHONE, PHONE])
        )
        text = fix(f"--field={field}")
        assert f"logentry {wrong}: corrected to +998901••••••." in text
        assert f"logentry {again}: {SHOWN} belongs to logentry {right}: not changed." in text
        assert dict(LogEntry.objects.values_list("pk", "object_repr")) == {
            wrong: "+998901234568",
            right: PHONE,
            again: PHONE,
        }
        otp_phones(f"--field={field}", f"--undo={report}", "--apply")
        assert LogEntry.objects.get(pk=wrong).object_repr == "90 123 45 68"

    def test_who_has_no_related_row_or_an_empty_one_has_no_phone(self, entry):
        users = [user_with(f"+99890123450{n}") for n in range(3)]
        entry(users[0], PHONE)
        empty = entry(users[1], "")
        for pk in users[1:]:
            assert f"user {pk}: has no phone." in otp_phones("--field=logentry__object_repr")
        assert otp_phones("--field=admin.LogEntry.object_repr").startswith(f"logentry {empty}: has no phone.\n")

    @pytest.mark.parametrize(
        "field",
        ["profile__phone", "phone__digits", "logentry", "x.Y.phone", "otp_app.User", "a.b.c.d", "otp_app.User.x"],
    )
    def test_a_field_that_is_none_is_refused(self, field):
        with pytest.raises(CommandError, match="give a path from the user model"):
            otp_phones(f"--field={field}")


class Counted(AbstractBaseUser):
    """Of a project that keeps phones as numbers; a sign-in finds them."""

    phone = models.BigIntegerField(unique=True, null=True)
    objects = models.Manager()
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"


@pytest.mark.django_db(transaction=True)
def test_what_a_sign_in_finds_is_in_no_other_spelling(monkeypatch):
    for module in (adapter, columns):
        monkeypatch.setattr(module, "get_user_model", lambda: Counted)
    with connection.schema_editor() as editor:
        editor.create_model(Counted)
    try:
        user = Counted.objects.create(phone=998901234567)
        nobody = Counted.objects.create(phone=None)
        assert accounts.user_for(PHONE) == (user, False)
        assert otp_phones("--region=UZ").splitlines() == [
            f"counted {nobody.pk}: has no phone.",
            "All phones are in E.164 form. 1 row has no phone.",
        ]
        short = Counted.objects.create(phone=901234567)
        assert f"counted {short.pk}: {SHOWN} belongs to counted {user.pk}: not changed." in otp_phones("--region=UZ")
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Counted)
