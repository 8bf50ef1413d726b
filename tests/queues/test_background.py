"""What must not show in an answer happens after it, and its errors are logged alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from otp_app.queues import background


@pytest.fixture
def paid(monkeypatch):
    monkeypatch.setattr(background, "costs_money", lambda: True)


def fail(grant):
    raise RuntimeError(f"of {grant}")


def test_where_messages_stay_on_this_machine_it_happens_at_once():
    done = []
    background.run(done.append, "the send")
    assert done == ["the send"]


def test_else_it_happens_in_a_moment_in_another_thread(paid):
    done, may_end = [], threading.Event()

    def work(grant):
        done.append((grant, threading.current_thread() is threading.main_thread()))
        may_end.set()

    background.run(work, "the send")
    assert may_end.wait(10)
    assert done == [("the send", False)]


@pytest.mark.parametrize("begin", [background._run_safely, background._run_later])
def test_an_error_is_logged_by_its_type_alone(begin, caplog):
    begin(fail, "+998901234567")
    assert caplog.messages == ["not delivered: RuntimeError"]


def test_a_process_that_is_ending_says_that_it_has_not_delivered(paid, monkeypatch, caplog):
    monkeypatch.setattr(background, "_pool", ended := ThreadPoolExecutor(1))
    ended.shutdown()
    background.run(fail, "the send")
    assert caplog.messages == ["not delivered: this process is ending"]
