"""Rulings are kept in the process for ten seconds, and longer while the database fails."""

import logging

import pytest
from django.db import DatabaseError, InterfaceError, connection
from django.test.utils import CaptureQueriesContext

from otp_app import rulings, services
from otp_app.models import BlockRow
from otp_app.rulings import kept
from tests.factories import new_phone
from tests.rulings.made import ruled

pytestmark = pytest.mark.django_db(transaction=True)


def readings(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured if 'FROM "otp_app_block"' in query["sql"]]


def send():
    services.send_code(phone=new_phone(), client="192.0.2.1")


def test_sends_of_ten_seconds_read_them_once(clock, outbox):
    kept.forget()
    assert len(readings(lambda: [send() for _ in range(3)])) == 1
    clock.advance(11)
    assert len(readings(lambda: [send() for _ in range(3)])) == 1


def test_they_are_read_anew_when_the_clock_is_set_back(clock):
    clock.advance(3600)
    rulings.in_force()
    clock.advance(-3600)
    assert len(readings(rulings.in_force)) == 1


def test_what_another_process_has_ruled_is_known_after_ten_seconds(clock):
    BlockRow.objects.create(subject="region KZ", since=0)
    assert not rulings.in_force()
    clock.advance(11)
    assert list(rulings.in_force()) == ["region KZ"]


def test_what_this_process_rules_is_known_at_once():
    ruled("region KZ")
    assert list(rulings.in_force()) == ["region KZ"]
    rulings.lift("region KZ", "otp_block")
    assert not rulings.in_force()


def test_one_that_ends_within_the_ten_seconds_is_over_in_time(clock):
    ruled("region KZ", until=kept.clock.milliseconds() + 5000)
    assert rulings.in_force()
    clock.advance(6)
    assert not rulings.in_force()


@pytest.mark.parametrize("failure", [DatabaseError, InterfaceError])
def test_a_database_that_fails_leaves_what_was_read_last_and_one_error(clock, monkeypatch, caplog, failure):
    ruled("region KZ")
    rulings.in_force()

    def fail(_now):
        raise failure

    monkeypatch.setattr(kept, "read", fail)
    clock.advance(11)
    with caplog.at_level(logging.ERROR, "otp_app.rulings"):
        assert [list(rulings.in_force()) for _ in range(2)] == [["region KZ"]] * 2
    errors = [record.getMessage() for record in caplog.records if record.name == "otp_app.rulings"]
    assert errors == [f"rulings could not be read: {failure.__name__}"]


def test_of_two_rows_on_one_subject_the_newer_counts():
    older, newer = (
        BlockRow(subject="region KZ", since=since, mode=mode) for since, mode in ((2, "shut"), (1, "watch"))
    )
    BlockRow.objects.bulk_create([older, newer])
    kept.forget()
    assert rulings.in_force()["region KZ"].mode == "shut"
