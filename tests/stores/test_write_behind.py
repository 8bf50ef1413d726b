"""Ends of sends, written down several at once and a moment later: what is kept, what waits and who is told."""

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.utils import timezone

from otp_app.challenges import random_id
from otp_app.delivery import records
from otp_app.models import Delivery
from otp_app.stores import outbox, write_behind
from otp_app.stores.write_behind import Ended
from tests.factories import new_challenge

pytestmark = pytest.mark.django_db(transaction=True)

BEGUN = {"provider": "one", "claimed_at": 1_700_000_000_000, "unconverted": 4}
REPORTED = ("delivered", "undelivered", "failed")
# What no database takes; the second is of the right sign, and too large for its column where columns have a size.
BAD = [-1, 99_999] if connection.vendor == "postgresql" else [-1]


@pytest.fixture(autouse=True)
def writer():
    """One of the test's own."""
    write_behind._buffer_of.cache_clear()
    yield (own := write_behind.current())
    in_its_thread(own, connections.close_all)
    own._thread.shutdown()
    write_behind._buffer_of.cache_clear()


@pytest.fixture
def statements(monkeypatch):
    """How many rows each statement wrote."""
    rows, merging = [], write_behind.writes.merging

    def noted(*asked):
        rows.append(len(asked[2]))
        return merging(*asked)

    monkeypatch.setattr(write_behind.writes, "merging", noted)
    return rows


@pytest.fixture
def moment(monkeypatch, settings):
    """The time that passes before the thread writes: until it is set."""
    passed = threading.Event()
    passed.slept = []

    def sleep(seconds):
        passed.slept.append(seconds)
        assert passed.wait(30)

    settings.OTP_WRITE_BEHIND = 250
    monkeypatch.setattr(write_behind, "time", SimpleNamespace(sleep=sleep))
    yield passed
    passed.set()


def in_its_thread(writer, call=int):
    """After all that the thread has been told to do."""
    return writer._thread.submit(call).result(30)


@contextmanager
def unwritable():
    """The table cannot be written to."""

    def rename(old, new):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    table = Delivery._meta.db_table
    rename(table, "elsewhere")
    try:
        yield
    finally:
        rename("elsewhere", table)


def taken(challenge=None):
    return replace(challenge or new_challenge(), sent_at=(1_700_000_000_000,))


def accepted(journal="", challenge=None, **facts):
    """The end of a send that its provider has taken, and all that it began with."""
    row = outbox.row_of(taken(challenge)) | BEGUN | {"reference": random_id()}
    told = {"status": "sent", "updated_at": timezone.now(), "segments": 1, "price": Decimal("0.05"), "latency": 7}
    return Ended(row | told | facts, journal)


def refused(journal=""):
    return accepted(journal, segments=BAD[-1])


def rows():
    return sorted(Delivery.objects.values_list("status", "reference"))


def written(*ends):
    return sorted(("sent", end.row["reference"]) for end in ends)


# when


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


# what


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


# a database that fails


def test_what_cannot_be_written_fails_nobody_and_is_written_when_it_can_be(writer, caplog):
    ends = [accepted() for _ in range(3)]
    with unwritable():
        for end in ends:
            writer.put(end)
        with pytest.raises(DatabaseError):
            writer.require()
        with pytest.raises(DatabaseError):  # as long as it fails
            writer.require()
    writer.require()
    assert rows() == written(*ends)
    assert {record.levelname for record in caplog.records if record.name == "otp_app.stores.behind"} == {"ERROR"}


def test_of_what_cannot_be_written_the_log_says_how_much_and_quotes_nothing(writer, caplog):
    caplog.set_level(logging.DEBUG, "otp_app")
    end = accepted()
    with unwritable():
        writer.put(end)
    writer.put(refused())
    texts = [record.getMessage() for record in caplog.records if record.name == "otp_app.stores.behind"]
    assert texts[0].startswith("1 sends are not written down yet: ")
    assert texts[1].startswith("a send cannot be written down: ")
    assert not any(record.exc_info for record in caplog.records if record.name == "otp_app.stores.behind")
    for secret in (end.row["reference"], end.row["challenge"], end.row["phone"]):
        assert secret not in " ".join(texts)


def test_nothing_is_asked_of_a_database_that_has_not_failed(writer, moment, django_assert_num_queries):
    writer.put(accepted())
    with django_assert_num_queries(0):
        writer.require()
    assert rows() == []


def test_once_all_is_written_nobody_asks_any_more(writer, django_assert_num_queries):
    with unwritable():
        writer.put(accepted())
    writer.require()
    with django_assert_num_queries(0):
        writer.require()


def test_what_the_thread_could_not_write_it_writes_with_the_next(writer, moment):
    moment.set()
    first, second = accepted("first"), accepted("second")
    with unwritable():
        writer.put(first)
        in_its_thread(writer)
        assert writer.written(9) == []
        # What it holds no more would be in the way of the table's next name.
        in_its_thread(writer, connections.close_all)
    writer.put(second)
    in_its_thread(writer)
    assert rows() == written(first, second)
    assert writer.written(9) == ["first", "second"]


def test_what_waits_stays_in_its_order_however_often_it_fails(writer, moment, monkeypatch):
    monkeypatch.setattr(write_behind, "_MAX_ROWS", 2)
    tried = []

    def fail(alias, batch):
        tried.append([end.journal for end in batch])
        if len(tried) in (1, 3):
            raise DatabaseError

    monkeypatch.setattr(write_behind, "_merge", fail)
    for name in "abcd":
        writer.put(accepted(name))
    for _ in range(2):
        with pytest.raises(DatabaseError):
            writer.flush()
    writer.flush()
    assert tried == [["a", "b"], ["a", "b"], ["c", "d"], ["c", "d"]]


@pytest.mark.parametrize("segments", BAD)
def test_one_that_no_database_takes_holds_up_no_other(writer, moment, segments, caplog):
    good = [accepted("one"), accepted("three")]
    for end in (good[0], accepted("two", segments=segments), good[1]):
        writer.put(end)
    writer.flush()
    assert rows() == written(*good)
    writer.require()
    assert [record.getMessage()[:29] for record in caplog.records] == ["a send cannot be written down"]
    assert writer.written(9) == ["one", "two", "three"]  # nor is it tried by every sweep


def test_where_nothing_can_be_begun_its_entry_is_kept(writer):
    with unwritable(), pytest.raises(DatabaseError):
        writer.begin(accepted("entry"))
    assert writer.written(9) == []


# the journal


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


# processes


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


# whatever happens


def fail(*_asked):
    raise OperationalError


def test_while_one_tries_whether_the_database_works_again_no_other_sends(writer, monkeypatch):
    monkeypatch.setattr(write_behind, "_merge", fail)
    writer.put(accepted())
    trying, go, passed = threading.Event(), threading.Event(), []

    def slow(*_asked):
        trying.set()
        assert go.wait(30)
        raise OperationalError

    monkeypatch.setattr(write_behind, "_merge", slow)

    def ask():
        with suppress(DatabaseError):
            writer.require()
            passed.append(1)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    asking[0].start()
    assert trying.wait(30)
    asking[1].start()
    asking[1].join(0.2)
    go.set()
    for thread in asking:
        thread.join()
    assert passed == []


def test_without_a_wait_what_could_not_be_written_is_written_with_the_next(writer, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(write_behind, "_merge", fail)
        writer.put(accepted())
    writer.put(accepted())
    assert Delivery.objects.count() == 2


def test_whatever_the_driver_says_fails_nobody(writer, monkeypatch):
    def lost(*_asked):
        raise InterfaceError("connection already closed")

    with monkeypatch.context() as broken:
        broken.setattr(write_behind.writes, "run", lost)
        writer.put(accepted())
    writer.require()
    assert Delivery.objects.count() == 1


def test_a_process_that_is_ending_writes_at_once(writer, settings):
    """Python takes no more work for a thread then."""
    settings.OTP_WRITE_BEHIND = 250
    writer._thread.shutdown()
    writer.put(accepted())
    assert Delivery.objects.count() == 1
    writer._thread = ThreadPoolExecutor(1)
    writer.put(accepted())
    in_its_thread(writer)
    assert Delivery.objects.count() == 2


def test_where_no_thread_can_be_had_each_is_written_at_once(writer, settings, monkeypatch):
    settings.OTP_WRITE_BEHIND = 250

    def refuse(*_asked):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(writer._thread, "submit", refuse)
        for count in (1, 2):
            writer.put(accepted())
            assert Delivery.objects.count() == count


def test_what_the_thread_could_not_write_it_tries_again_by_itself(writer, settings, monkeypatch):
    settings.OTP_WRITE_BEHIND = 1
    slept, tries, merge = [], [], write_behind._merge
    monkeypatch.setattr(write_behind, "time", SimpleNamespace(sleep=slept.append))

    def once(*asked):
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError
        merge(*asked)

    monkeypatch.setattr(write_behind, "_merge", once)
    writer.put(accepted())
    for _ in range(2):
        in_its_thread(writer)
    assert Delivery.objects.count() == 1
    assert slept == [0.001, 1]


def test_while_a_database_hangs_and_very_many_wait_no_more_are_sent(writer, moment, monkeypatch):
    monkeypatch.setattr(write_behind, "_MAX_WAITING", 2)
    writer.put(accepted())
    writer.require()
    writer.put(accepted())
    with writer._turn, pytest.raises(DatabaseError):  # the thread is at it, and does not come back
        writer.require()
    writer.require()
    assert Delivery.objects.count() == 2


def test_the_thread_gives_its_connection_back(writer, moment, monkeypatch):
    """To a pool, or it would hold one more for ever."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    moment.set()
    writer.put(accepted())
    assert in_its_thread(writer, lambda: connections["default"].connection) is None


def test_whatever_goes_wrong_nothing_of_it_is_lost(writer, monkeypatch):
    def strange(*_asked):
        raise ValueError

    with monkeypatch.context() as broken:
        broken.setattr(write_behind, "_merge", strange)
        writer.put(accepted())
    writer.require()
    assert Delivery.objects.count() == 1


def test_a_name_that_a_report_has_told_stays_where_the_answer_has_none(writer):
    challenge = new_challenge()
    challenge = replace(challenge, sent_at=(1_700_000_000_000,))
    ours = accepted(challenge=challenge)
    writer.put(ours)
    Delivery.objects.update(reference="SM1", status="delivered")
    writer.put(replace(ours, named=False))
    assert Delivery.objects.get().reference == "SM1"
    writer.put(Ended(ours.row | {"reference": "SM2"}))
    assert Delivery.objects.get().reference == "SM2"
