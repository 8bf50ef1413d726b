"""Each change of a ruling is a row, a record in the log, and one in the history of the admin."""

import pytest
from django.apps import apps
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry

from otp_app import rulings, stores
from otp_app.models import BlockRow, User
from tests.factories import new_phone
from tests.rulings.made import ruled

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def events(caplog):
    """What the log otp_app.guard has recorded until then."""
    caplog.set_level("INFO", "otp_app.guard")
    return lambda: [record.otp for record in caplog.records if record.name == "otp_app.guard"]


def test_one_made_and_lifted_by_a_user_is_in_both_logs(events):
    user = User.objects.create_user(new_phone())
    row = ruled("prefix +99890123", "open", user, amount=100, reason="a campaign")
    assert rulings.lift("prefix +99890123", user) == 1
    row.refresh_from_db()
    assert (row.author, row.lifted_at >= row.since) == (str(user.pk), True)
    shared = {"subject": "prefix +998901••", "mode": "open", "by": str(user.pk)}
    assert events() == [
        {"event": "ruled", **shared, "amount": 100, "reason": "a campaign"},
        {"event": "lifted", **shared},
    ]
    history = LogEntry.objects.order_by("pk").values_list("user_id", "object_id", "object_repr", "action_flag")
    each = (user.pk, str(row.pk), "prefix +998901••")
    assert list(history) == [(*each, ADDITION), (*each, CHANGE)]


def test_one_made_by_a_command_has_its_name_and_none_in_the_history_of_users(events):
    row = ruled("phone +998901234567", until=None)
    assert (row.author, events()[0]["by"], events()[0]["subject"]) == ("otp_block",) * 2 + ("phone +998901••••••",)
    assert not LogEntry.objects.exists()


def test_a_project_without_the_admin_has_no_such_history(monkeypatch):
    monkeypatch.setattr(apps, "is_installed", lambda _name: False)
    ruled("region KZ", by=User.objects.create_user(new_phone()))
    assert not LogEntry.objects.exists()


def test_the_next_on_the_same_subject_takes_the_place_of_the_first(events):
    first = ruled("region UZ")
    second = ruled("region UZ", "watch", "otp_allow")
    first.refresh_from_db()
    assert first.lifted_at
    assert rulings.in_force() == {"region UZ": second}
    assert [each["event"] for each in events()] == ["ruled", "lifted", "ruled"]


def test_the_log_says_for_how_long(events):
    ruled("region UZ", until=rulings.changes.clock.milliseconds() + 60_000)
    assert 58 <= events()[0]["seconds"] <= 60


def test_lifting_what_is_not_in_force_changes_nothing(events):
    ruled("region UZ", until=1)
    assert rulings.lift("region UZ", "otp_block") == 0
    assert BlockRow.objects.get().lifted_at is None


@pytest.mark.parametrize(
    ("subject", "mode", "amount"),
    [
        ("prefix +99890123", "watch", None),
        ("phone +998901234567", "open", 5),
        ("region UZ", "open", None),
        ("region UZ", "shut", 5),
    ],
)
def test_one_without_sense_is_not_made(subject, mode, amount):
    with pytest.raises(ValueError, match=r"[Oo]nly|amount"):
        ruled(subject, mode, amount=amount)
    assert not BlockRow.objects.exists()


def test_one_that_was_lifted_is_kept_for_thirty_days_though_it_had_no_end(clock):
    ruled("region KZ")
    ruled("region UZ")
    rulings.lift("region KZ", "otp_block")
    for days, left in ((29, {"region KZ", "region UZ"}), (2, {"region UZ"})):
        clock.advance(days * 24 * 3600)
        stores.current().purge()
        assert set(BlockRow.objects.values_list("subject", flat=True)) == left
