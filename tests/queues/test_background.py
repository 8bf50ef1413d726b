"""What must not show in an answer happens after it, and its errors are logged alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model

from otp_app import services
from otp_app.delivery import routing
from otp_app.models import Delivery
from otp_app.providers.base import NotAccepted
from otp_app.queues import background
from tests.factories import new_phone
from tests.remote import PATIENCE, remotes


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


def until(happened):
    end = time.monotonic() + PATIENCE
    while not happened() and time.monotonic() < end:
        time.sleep(0.01)
    assert happened()


@pytest.mark.django_db(transaction=True)
def test_where_sign_ups_are_closed_a_send_returns_before_its_message_leaves_and_whatever_becomes_of_it(settings):
    settings.OTP_SIGN_UP = "closed"
    known = get_user_model().objects.create_user(new_phone()).phone
    with remotes() as remote:
        remote.hang()
        services.send_code(phone=known)
        until(lambda: [message.to for _, message in remote.sent] == [known])
        remote.release.set()
        until(lambda: Delivery.objects.get().status == Delivery.Status.SENT)
        remote.fail(NotAccepted("down"))
        settings.OTP_WAITS = ()
        services.send_code(phone=known)
        until(lambda: Delivery.objects.filter(status=Delivery.Status.FAILED).exists())
        services.send_code(phone=new_phone())
        until(lambda: Delivery.objects.filter(provider=routing.NO_PROVIDER, status=Delivery.Status.SENT).exists())
    assert len(remote.sent) == 2
