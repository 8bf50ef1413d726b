"""The command that sweeps: once, or until a signal ends it."""

import logging
import os
import signal
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from otp_app.delivery import sweeper
from otp_app.delivery.sweeper import Sweep
from tests.delivery.test_sweeper import lost_sends
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def remote(settings, clock):
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    with remotes() as remote:
        yield remote


def swept(sends):
    return f"Swept: {sends} lost sends delivered or ended, 0 failed, 0 given up as unknown; 0 early reports matched.\n"


def test_the_command_says_in_a_line_what_it_did(remote, clock, capsys):
    lost_sends(2)
    clock.advance(10)
    call_command("otp_sweep")
    assert capsys.readouterr().out == swept(2)
    call_command("otp_sweep")
    assert capsys.readouterr().out == swept(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_goes_on_through_failures_until_a_signal_ends_it(
    remote, clock, monkeypatch, capsys, caplog, number
):
    rounds, before = [], signal.getsignal(number)
    really = sweeper.sweep

    def failing_at_first(stop):
        rounds.append(connection.connection)
        if len(rounds) == 1:
            raise DatabaseError("the address of a server")
        if len(rounds) == 3:
            os.kill(os.getpid(), number)
        return really(stop)

    monkeypatch.setattr(sweeper, "sweep", failing_at_first)
    monkeypatch.setattr(threading.Event, "wait", lambda self, seconds=None: self.is_set())
    lost_sends(1)
    clock.advance(10)
    connection.close()
    call_command("otp_sweep", "--every=1")
    assert rounds == [None] * 3  # a new connection for each: the last one may have broken
    assert capsys.readouterr().out == swept(1)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "sweep failed: DatabaseError"
    ]
    assert signal.getsignal(number) is before


def test_with_purge_the_command_purges_at_its_start_and_then_once_an_hour(monkeypatch, db):
    done, now = [], [0.0]

    def swept(stop):
        done.append("sweep")
        now[0] += 1800
        if len(done) == 6:
            stop.set()
        return Sweep(0, 0, 0, 0)

    monkeypatch.setattr(sweeper, "sweep", swept)
    monkeypatch.setattr(sweeper, "purge", lambda: done.append("purge"))
    monkeypatch.setattr("otp_app.management.commands.otp_sweep.time.monotonic", lambda: now[0])
    monkeypatch.setattr(threading.Event, "wait", lambda self, seconds=None: self.is_set())
    call_command("otp_sweep", every=1, purge=True)
    assert done == ["purge", "sweep", "sweep", "purge", "sweep", "sweep"]


@pytest.mark.parametrize("seconds", ["0", "-1", "ten", "1.5"])
def test_the_command_takes_whole_seconds_only(seconds):
    with pytest.raises(CommandError, match="a whole number of seconds"):
        call_command("otp_sweep", f"--every={seconds}")
