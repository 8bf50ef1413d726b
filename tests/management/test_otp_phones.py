"""``manage.py otp_phones``: users whose phones are not in E.164 form."""

import io

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.models import Value

from otp_app import accounts
from otp_app.accounts import adapter
from otp_app.management import spellings
from otp_app.models import User

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"
SHOWN = "+998901••••••"


def otp_phones(*options):
    out = io.StringIO()
    call_command("otp_phones", *options, stdout=out)
    return out.getvalue()


def user_with(stored):
    """As if it had been written before the app was there."""
    user = User.objects.create(phone=f"{User.objects.count()}")
    User.objects.filter(pk=user.pk).update(phone=Value(stored))
    return user.pk


def stored():
    return dict(User.objects.values_list("pk", "phone"))


def test_phones_in_e164_form_are_none_of_its_business():
    user_with(PHONE)
    user_with("")
    assert otp_phones("--fix", "--region", "UZ") == "All phones are in E.164 form.\n"


@pytest.mark.parametrize("spelling", ["90 123 45 67", "998901234567", "(90)123-45-67", "+998 90 1234567", "901234567 "])
def test_a_phone_in_another_spelling_is_listed_and_written_only_when_that_is_asked_for(spelling):
    pk = user_with(spelling)
    listed = otp_phones("--region", "uz")
    assert listed.splitlines()[0] == f"user {pk}: {SHOWN} is stored in another spelling."
    assert listed.endswith(
        "1 can be corrected, 0 belong to another user, 0 cannot be read. Nothing was written; --fix corrects them.\n"
    )
    assert stored() == {pk: spelling}
    assert otp_phones("--fix", "--region", "UZ").splitlines()[0] == f"user {pk}: corrected to {SHOWN}."
    assert stored() == {pk: PHONE}
    user, is_new = accounts.user_for(PHONE)
    assert (user.pk, is_new) == (pk, False)


def test_without_a_region_only_what_has_its_country_code_is_read(settings):
    with_code, without = user_with("+998 90 1234567"), user_with("91 123 45 67")
    assert "1 corrected, 0 belong to another user, 1 cannot be read.\n" in otp_phones("--fix")
    assert stored() == {with_code: PHONE, without: "91 123 45 67"}
    settings.OTP_DEFAULT_REGION = "UZ"
    assert f"user {without}: +998911•••••• is stored in another spelling." in otp_phones()


def test_the_number_of_another_user_is_never_written_over():
    theirs, older = user_with(PHONE), user_with("90 123 45 67")
    for options in (["--region=UZ"], ["--region=UZ", "--fix"]):
        assert f"user {older}: {SHOWN} belongs to user {theirs}: not changed." in otp_phones(*options)
    assert stored() == {theirs: PHONE, older: "90 123 45 67"}


def test_of_two_who_have_the_same_number_in_other_spellings_one_gets_it_and_both_are_listed_before():
    first, second = user_with("90 123 45 67"), user_with("901234567")
    for outcome, options in (
        (f"{SHOWN} is stored in another spelling", ["--region=UZ"]),
        (f"corrected to {SHOWN}", ["--region=UZ", "--fix"]),
    ):
        text = otp_phones(*options)
        assert f"user {first}: {outcome}." in text
        assert f"user {second}: {SHOWN} belongs to user {first}: not changed." in text
    assert stored() == {first: PHONE, second: "901234567"}


def test_what_is_no_phone_is_listed_without_what_it_is():
    pk = user_with("call my wife")
    text = otp_phones("--region=UZ", "--fix")
    assert text.startswith(f"user {pk}: its phone cannot be read as a phone number.\n")
    assert "wife" not in text
    assert stored() == {pk: "call my wife"}


@pytest.mark.parametrize("meanwhile", ["91 123 45 67", PHONE])
def test_what_was_changed_meanwhile_is_left_as_it_is(monkeypatch, meanwhile):
    pk, correct = user_with("90 123 45 67"), spellings.correct

    def overtaken(spelling):
        user = pk if meanwhile != PHONE else user_with("")
        User.objects.filter(pk=user).update(phone=Value(meanwhile))
        return correct(spelling)

    monkeypatch.setattr(spellings, "correct", overtaken)
    text = otp_phones("--region=UZ", "--fix")
    assert f"user {pk}: {SHOWN} was changed by somebody else meanwhile: not changed." in text
    assert text.endswith(
        "0 corrected, 0 belong to another user, 0 cannot be read, 1 changed by somebody else meanwhile.\n"
    )
    assert stored()[pk] == (meanwhile if meanwhile != PHONE else "90 123 45 67")


def test_it_reads_one_batch_after_the_other_and_nobody_twice(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(spellings, "_BATCH_USERS", 2)
    made = [user_with(f"90 123 45 6{n}") for n in range(4)]
    with django_assert_num_queries(3):
        assert [pk for pk, _ in spellings.stored_phones()] == made
    text = otp_phones("--region=UZ", "--fix")
    assert [line.partition(":")[0] for line in text.splitlines()[:4]] == [f"user {pk}" for pk in made]
    assert set(stored().values()) == {f"+99890123456{n}" for n in range(4)}


@pytest.mark.parametrize("region", ["Uzbekistan", "XX", ""])
def test_a_region_that_is_none_is_refused(region):
    with pytest.raises(CommandError, match="a country by its two letters"):
        otp_phones(f"--region={region}")


class Counted(AbstractBaseUser):
    """Of a project that keeps phones as numbers; a sign-in finds them."""

    phone = models.BigIntegerField(unique=True, null=True)
    objects = models.Manager()
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"


@pytest.mark.django_db(transaction=True)
def test_what_a_sign_in_finds_is_in_no_other_spelling(monkeypatch):
    for module in (adapter, spellings):
        monkeypatch.setattr(module, "get_user_model", lambda: Counted)
    with connection.schema_editor() as editor:
        editor.create_model(Counted)
    try:
        user = Counted.objects.create(phone=998901234567)
        Counted.objects.create(phone=None)
        assert accounts.user_for(PHONE) == (user, False)
        assert otp_phones("--region=UZ") == "All phones are in E.164 form.\n"
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Counted)
