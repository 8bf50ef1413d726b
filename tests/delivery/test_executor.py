"""Calling providers: in time, not too many at once, and whatever they do."""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from otp_app import providers
from otp_app.delivery import executor
from otp_app.providers.base import Message, NotAccepted, Receipt, Rejected, Unknown
from tests.races import race
from tests.remote import once_others_were_asked, remotes

MESSAGE = Message("+998901234567", "123456 is your code", "sms", "123456", "en", 300, "a challenge")


@pytest.fixture
def remote():
    with remotes("one", "two") as providers:
        yield providers


def ask(name="one", seconds=30.0, *, local=False):
    return executor.call(providers.get(name), MESSAGE, time.monotonic() + seconds, local=local)


def test_a_receipt_comes_back(remote):
    assert ask() == Receipt("one-1", 1)


@pytest.mark.parametrize("error", [Rejected("1"), NotAccepted("2"), Unknown("3")])
def test_what_a_provider_says_is_said(remote, error):
    remote.fail(error, "one")
    with pytest.raises(type(error)) as raised:
        ask()
    assert raised.value.reason == error.reason


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_else_is_raised_is_unknown_and_its_text_is_nowhere(remote, error, caplog):
    def fail(message):
        raise error(message.body)

    caplog.set_level(logging.DEBUG)
    remote.behave(fail, "one")
    with pytest.raises(Unknown) as raised:
        ask()
    assert raised.value.reason == error.__name__
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert "123456" not in caplog.text
    assert caplog.records[-1].exc_info is None


def test_a_provider_of_this_machine_is_called_without_a_thread(remote):
    threads = []
    remote.behave(lambda message: threads.append(threading.current_thread()) or Receipt(), "one")
    ask(seconds=-1, local=True)
    ask()
    assert threads[0] is threading.current_thread() is not threads[1]


@pytest.mark.parametrize("seconds", [-1, 0, 0.9])
def test_with_less_than_a_tenth_of_the_deadline_it_is_not_tried(remote, settings, seconds):
    settings.OTP_PROVIDER_DEADLINE = 10
    with pytest.raises(executor.NotTried) as raised:
        ask(seconds=seconds)
    assert raised.value.reason == "deadline"
    assert remote.sent == []


def test_a_reply_that_does_not_come_in_time_is_unknown(remote, settings):
    settings.OTP_PROVIDER_DEADLINE = 0  # however little of it is left, it is tried
    remote.hang("one")
    with pytest.raises(Unknown) as raised:
        ask(seconds=0.2)
    assert raised.value.reason == "deadline"


def test_so_many_callers_wait_at_once_and_the_next_is_not_tried(remote, settings):
    settings.OTP_PROVIDER_CALLS = 1
    began = threading.Event()
    remote.behave(lambda message: began.set() or (remote.release.wait(30) and Receipt()), "one")
    waiting = threading.Thread(target=ask)
    waiting.start()
    assert began.wait(30)
    with pytest.raises(executor.NotTried) as raised:
        ask("two")
    assert raised.value.reason == "busy"
    remote.release.set()
    waiting.join()
    assert ask("two")


def test_more_callers_than_calls_are_answered_one_after_the_other(remote, monkeypatch):
    monkeypatch.setattr(executor, "_PLACE_WAIT_SECONDS", 60)  # however long this machine takes for a call
    remote.behave(once_others_were_asked(remote, "one", 8), "one")
    assert race(lambda _: ask(), 12) == [Receipt("x")] * 12


def test_of_those_who_wait_for_a_place_one_too_many_is_not_tried(remote, settings, monkeypatch):
    settings.OTP_PROVIDER_CALLS = 2
    monkeypatch.setattr(executor, "_PLACE_WAIT_SECONDS", 60)
    remote.behave(lambda message: remote.release.wait(60) and Receipt(), "one")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, seconds=60) for _ in range(4)]
        (refused,), others = wait(asked, 30, FIRST_COMPLETED)
        assert refused.exception().reason == "busy"
        assert len(remote.sent) <= 2  # the third waits
        remote.release.set()
        assert [each.result() for each in others] == [Receipt()] * 3
    assert len(remote.sent) == 3


@pytest.mark.parametrize(("moment", "seconds"), [(0.1, 60), (60, 1.5)])
def test_a_place_is_waited_for_a_moment_and_never_beyond_the_deadline(remote, settings, monkeypatch, moment, seconds):
    settings.OTP_PROVIDER_CALLS = 2
    monkeypatch.setattr(executor, "_PLACE_WAIT_SECONDS", moment)
    began = threading.Semaphore(0)
    remote.behave(lambda message: began.release() or (remote.release.wait(60) and Receipt()), "one")
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask, seconds=60) for _ in range(2)]
        assert all(began.acquire(timeout=30) for _ in asked)
        late = pool.submit(ask, seconds=seconds)
        assert late.exception(30).reason in ("busy", "deadline")  # the latter where this machine is slow
        assert not any(each.done() for each in asked)
        remote.release.set()


def test_whoever_gets_a_place_finds_a_thread(remote, settings, monkeypatch):
    monkeypatch.setattr(executor, "_PLACE_WAIT_SECONDS", 60)  # however long this machine takes for a call
    settings.OTP_PROVIDER_CALLS = 2
    assert race(lambda _: [ask() for _ in range(100)] and "answered", 3) == ["answered"] * 3


def test_a_provider_whose_threads_all_hang_takes_no_other_providers(remote, settings):
    settings.OTP_PROVIDER_DEADLINE = 0  # however little of it is left, it is tried
    settings.OTP_PROVIDER_CALLS = 2
    remote.hang("one")
    for _ in range(2):
        with pytest.raises(Unknown):
            ask(seconds=0.5)
    with pytest.raises(NotAccepted) as raised:
        ask()
    assert raised.value.reason == "stuck"
    assert not isinstance(raised.value, executor.NotTried)  # another provider may do it
    assert ask("two")
    assert remote.asked() == ["one", "one", "two"]


def test_a_thread_that_comes_back_is_used_again(remote, settings):
    settings.OTP_PROVIDER_CALLS = 1
    for error in (SystemExit("x"), Rejected("1")):
        remote.fail(error, "one")
        with pytest.raises((Unknown, Rejected)):
            ask()
    remote.work("one")
    assert ask()


def test_a_process_that_is_ending_does_not_try_and_keeps_no_slot(remote, settings):
    settings.OTP_PROVIDER_CALLS = 1
    executor._pool(providers.get("one"), 1)[1].shutdown()
    for _ in range(2):
        with pytest.raises(executor.NotTried) as raised:
            ask()
        assert raised.value.reason == "shutdown"
    assert ask("two")
