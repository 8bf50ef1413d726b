"""The commands otp_block and otp_allow: what they make, what they lift, and what they say."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command

from otp_app import rulings
from otp_app.models import BlockRow, User
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


NO_RECORD = "The admin's history has no record of it, because --by names no user."


def run(capsys, command, *words):
    call_command(command, *words)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (["--phone", "+998 90 123 45 67"], "phone +998901234567"),
        (["--prefix", "+99890123"], "prefix +99890123"),
        (["--network", "192.0.2.0/24"], "network 192.0.2.0/24"),
        (["--region", "uz"], "region UZ"),
    ],
)
def test_a_block_is_made_and_lifted(capsys, words, subject):
    said = run(capsys, "otp_block", *words, "--reason", "a bomber")
    row = rulings.in_force()[subject]
    assert (row.mode, row.amount, row.reason, row.author, row.until) == ("shut", None, "a bomber", "otp_block", None)
    assert said == f"{row}: shut. Every process knows it after ten seconds. {NO_RECORD}\n"
    assert run(capsys, "otp_block", *words, "--lift") == f"{row}: 1 ruling lifted. {NO_RECORD}\n"
    assert not rulings.in_force()


def test_an_allowance_is_made_and_lifted(capsys):
    run(capsys, "otp_allow", "--prefix", "+99890123", "--amount", "100", "--hours", "1.5")
    row = rulings.in_force()["prefix +99890123"]
    assert (row.mode, row.amount, row.author, row.until - row.since) == (
        "open",
        100,
        "otp_allow",
        pytest.approx(5.4e6, abs=9e4),
    )
    assert "1 ruling lifted" in run(capsys, "otp_allow", "--prefix", "+99890123", "--lift")


def test_a_region_is_watched(capsys):
    assert "region UZ: watched." in run(capsys, "otp_allow", "--region", "UZ", "--watch")


def test_the_user_who_decides_it_has_it_in_the_history_of_the_admin(capsys):
    user = User.objects.create_user(new_phone())
    said = run(capsys, "otp_block", "--region", "KZ", "--by", str(user.phone))
    said += run(capsys, "otp_block", "--region", "KZ", "--lift", "--by", str(user.phone))
    assert "--by" not in said
    assert list(LogEntry.objects.values_list("user", flat=True)) == [user.pk] * 2
    assert BlockRow.objects.get().author == str(user.pk)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["otp_block", "--region", "Uzbekistan"], "--region Uzbekistan: Give a country"),
        (["otp_block", "--region", "UZ", "--by", "+998900000000"], "there is no such user"),
        (["otp_allow", "--region", "UZ"], "Give an amount"),
        (["otp_allow", "--prefix", "+99890", "--watch"], "Only a country can be watched"),
        (["otp_allow", "--phone", "+998901234567"], "required"),
    ],
)
def test_what_cannot_be_done_is_said(words, says):
    with pytest.raises(CommandError, match=says):
        call_command(*words)
    assert not BlockRow.objects.exists()
