"""The database, the driver or the thread fails: no outcome is lost, and nobody sends meanwhile."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections

from otp_app.models import Delivery
from otp_app.stores import write_behind

from .outcomes import BAD, accepted, in_its_thread, refused, rows, unwritable, written

pytestmark = pytest.mark.django_db(transaction=True)


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
