"""Outcomes of sends are written several at once and a moment later: when, what, and who is told."""

import os
import threading
from dataclasses import replace
from decimal import Decimal

import pytest

from otp_app.delivery import records
from otp_app.models import Delivery
from otp_app.stores import write_behind
from otp_app.stores.write_behind import Outcome
from tests.factories import new_challenge

from .outcomes import accepted, in_its_thread, rows, written

pytestmark = pytest.mark.django_db(transaction=True)

REPORTED = ("delivered", "undelivered", "failed")


def test_without_a_wait_each_is_written_before_the_request_goes_on(writer, statements):
    first, second = accepted(), accepted()
    writer.put(first)
    assert rows() == written(first)
    writer.put(second)
    assert (rows(), statements) == (written(first, second), [1, 1])


def test_with_a_wait_several_are_written_by_one_statement_after_it(writer, statements, moment):
    ends = [accepted() for _ in range(4)]
    for end in ends:
        writer.put(end)
    assert (rows(), statements) == ([], [])
    moment.set()
    in_its_thread(writer)
    assert (rows(), statements, moment.slept) == (written(*ends), [4], [0.25])


def test_what_comes_after_them_is_written_as_well(writer, moment):
    moment.set()
    ends = [accepted() for _ in range(3)]
    for end in ends:
        writer.put(end)
        in_its_thread(writer)
    assert (rows(), len(moment.slept)) == (written(*ends), 3)


def test_more_than_one_statement_may_take_are_written_by_as_many_as_it_takes(writer, statements, moment, monkeypatch):
    monkeypatch.setattr(write_behind, "_MAX_ROWS", 2)
    ends = [accepted() for _ in range(5)]
    for end in ends:
        writer.put(end)
    moment.set()
    in_its_thread(writer)
    assert (rows(), statements) == (written(*ends), [2, 2, 1])


def test_the_thread_begins_and_ends_with_a_look_at_its_connection(writer, moment, monkeypatch):
    """Nobody ends a request in it, which is when others are looked at."""
    looked = []

    def look(wrapper):
        looked.append(threading.current_thread().name)

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.close_if_unusable_or_obsolete", look)
    moment.set()
    writer.put(accepted())
    in_its_thread(writer)
    assert (looked, len(rows())) == (["otp-behind_0"] * 2, 1)


def test_the_row_is_whole_though_nothing_of_it_was_there(writer):
    challenge = new_challenge(channel="telegram", device="a device")
    writer.put(accepted(challenge=challenge, reference="theirs"))
    row = Delivery.objects.get()
    assert (row.challenge.hex, row.sent_at, row.handover) == (challenge.id, 1_700_000_000_000, 1)
    assert (row.status, row.error, row.provider, row.reference) == ("sent", "", "one", "theirs")
    assert (row.channel, row.device, row.region, row.unconverted) == ("telegram", True, "UZ", 4)
    assert (row.segments, row.price, row.latency, row.claimed_at) == (1, Decimal("0.05"), 7, 1_700_000_000_000)
    assert (row.converted, row.delivered_after) == (False, None)


@pytest.mark.parametrize("before", [("queued", ""), ("unknown", "lease")])
def test_what_has_not_ended_ends_with_all_that_is_known_of_it(writer, before):
    """Also when a sweep has given it up: the provider has answered."""
    challenge = new_challenge()
    begun = accepted(challenge=challenge, status=before[0], error=before[1], segments=0, price=None, latency=None)
    writer.begin(begun)
    Delivery.objects.update(price=Decimal(1))
    writer.put(accepted(challenge=challenge, reference="theirs", error="", segments=2, price=None))
    row = Delivery.objects.get()
    assert (row.status, row.error, row.reference) == ("sent", "", "theirs")
    assert (row.segments, row.price, row.latency) == (2, None, 7)


@pytest.mark.parametrize("status", REPORTED)
@pytest.mark.parametrize("known", [True, False])
def test_a_report_that_was_faster_keeps_its_word_and_is_told_what_it_does_not_know(writer, status, known):
    challenge = new_challenge()
    writer.begin(accepted(challenge=challenge, status="queued", segments=0, price=None, latency=None))
    told = {"error": "30003"} | ({"segments": 3, "price": Decimal("0.30")} if known else {})
    assert records.advance(Delivery.objects.get(), status, **told)
    before = Delivery.objects.get().updated_at
    writer.put(accepted(challenge=challenge, reference="theirs"))
    row = Delivery.objects.get()
    assert (row.status, row.error, row.updated_at) == (status, "30003", before)
    assert (row.segments, row.price) == ((3, Decimal("0.30")) if known else (1, Decimal("0.05")))
    assert (row.reference, row.latency) == ("theirs", 7)


def test_another_send_of_the_challenge_and_another_hand_over_have_rows_of_their_own(writer):
    challenge = new_challenge()
    for facts in ({}, {"sent_at": 1_700_000_060_000}, {"handover": 2}):
        writer.put(accepted(challenge=challenge, **facts))
    assert Delivery.objects.count() == 3


def test_what_is_begun_is_written_at_once_and_changes_nothing_that_is_there(writer, moment):
    challenge = new_challenge()
    begun = [writer.begin(accepted(challenge=challenge, status=status)) for status in ("queued", "failed")]
    assert begun == [True, False]
    assert [status for status, _ in rows()] == ["queued"]


def test_a_name_that_a_report_has_told_stays_where_the_answer_has_none(writer):
    challenge = new_challenge()
    challenge = replace(challenge, sent_at=(1_700_000_000_000,))
    ours = accepted(challenge=challenge)
    writer.put(ours)
    Delivery.objects.update(reference="SM1", status="delivered")
    writer.put(replace(ours, named=False))
    assert Delivery.objects.get().reference == "SM1"
    writer.put(Outcome(ours.row | {"reference": "SM2"}))
    assert Delivery.objects.get().reference == "SM2"


def test_what_is_written_is_told_once_and_so_many_at_a_time(writer):
    for name in ("a", "", "b", "c"):
        writer.put(accepted(name))
    writer.begin(accepted("d"))
    writer.forget("e")
    assert [writer.written(2) for _ in range(4)] == [["a", "b"], ["c", "d"], ["e"], []]


def test_what_is_not_written_yet_is_not_told(writer, moment):
    writer.put(accepted("entry"))
    assert writer.written(9) == []
    writer.flush()
    assert writer.written(9) == ["entry"]


def test_a_process_that_was_forked_begins_with_its_own(writer, moment):
    """What its parent has is written by its parent."""
    writer.put(accepted())
    reader, told = os.pipe()
    child = os.fork()
    if not child:
        own = write_behind.current()
        os.write(told, b"%d%d" % (own is writer, len(own._waiting)))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 9) == b"00"
    os.close(reader)
    os.close(told)
    assert write_behind.current() is writer
    moment.set()
    in_its_thread(writer)
    assert len(rows()) == 1
