"""Asking a company about a number: its circuit breaker, one question at a time, and a process without a thread."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from otp_app import counters
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, executor
from otp_app.errors import Unavailable
from otp_app.keys import ledger_id
from otp_app.models import Counter, LineLookup
from otp_app.phones import as_phone
from otp_app.proofs import line_checks
from otp_app.providers.base import NotAccepted, Unknown, Unsuited
from otp_app.providers.line_checks import Line, LineCheck
from otp_app.testing import lines as company
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines():
    with company() as lines:
        yield lines


def user():
    """Somebody who was last there eight days ago."""
    return get_user_model().objects.create_user(new_phone(), last_login=timezone.now() - timedelta(days=8))


def asked_about(who=None):
    who = who or user()
    return line_checks.have_moved(who, as_phone(who.phone))


def fail(lines, times, error=None):
    lines.otherwise = error or Unknown("timeout")
    assert [asked_about() for _ in range(times)] == [False] * times


def test_a_company_that_keeps_failing_is_not_asked_for_a_while(lines, caplog):
    fail(lines, 5)
    assert "circuit opened for provider line check" in caplog.text
    lines.otherwise = Line(sim_swapped=True)
    assert asked_about() is False
    assert len(lines.asked) == 5


def test_after_the_pause_one_question_tries_it_and_an_answer_closes_the_circuit(lines, clock, caplog):
    caplog.set_level(logging.INFO)
    fail(lines, 5)
    clock.advance(31)
    lines.otherwise = Line(sim_swapped=True)
    assert [asked_about(), asked_about()] == [True, True]
    assert "circuit closed for provider line check" in caplog.text


def test_a_try_that_fails_keeps_the_circuit_open(lines, clock):
    fail(lines, 5)
    clock.advance(31)
    fail(lines, 1)
    lines.otherwise = Line(sim_swapped=True)
    assert asked_about() is False
    assert len(lines.asked) == 6


@pytest.mark.parametrize("error", [Unsuited("404")])
def test_numbers_that_the_company_does_not_know_open_no_circuit_and_close_one(lines, clock, error):
    fail(lines, 7, error)
    assert len(lines.asked) == 7
    fail(lines, 5)
    clock.advance(31)
    fail(lines, 2, error)
    assert len(lines.asked) == 14


def test_the_circuit_is_that_of_no_provider(lines, settings):
    settings.OTP_PROVIDERS = [{"ALIAS": "line-check", "BACKEND": "otp_app.providers.memory.MemoryProvider"}]
    fail(lines, 5, NotAccepted("503"))
    blocked = counters.blocks("default", [circuit_breaker.key_of("line-check"), circuit_breaker.key_of("line check")])
    assert list(blocked) == [circuit_breaker.key_of("line check")]


def test_while_somebody_asks_about_a_number_nobody_else_does(lines, clock):
    """Whoever comes second has no answer to go by, and is not let in for that."""
    who = user()
    counters.block("default", ledger_id("line check", who.phone), clocks.read_now("default") + 1500)
    with pytest.raises(Unavailable) as raised:
        asked_about(who)
    assert raised.value.retry_after == line_checks.DEADLINE_SECONDS
    assert lines.asked == []
    assert asked_about() is False
    clock.advance(2)
    assert asked_about(who) is False
    assert [phone for phone, _ in lines.asked][-1] == who.phone


def test_a_question_leaves_a_counter_that_the_purge_finds(lines):
    who = user()
    asked_about(who)
    row = Counter.objects.get(key=ledger_id("line check", who.phone))
    assert row.expires_at >= row.blocked_until > 0


class Silent(LineCheck):
    """Has no way to ask."""


@pytest.mark.parametrize("error", [executor.Stuck("stuck"), executor.NotTried("shutdown")])
def test_without_a_thread_for_the_question_nobody_gets_in_and_the_circuit_stays_closed(lines, monkeypatch, error):
    """Requests of one's own must not be a way around the question."""

    def ask(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(executor, "ask", ask)
        for _ in range(6):
            with pytest.raises(Unavailable):
                asked_about()
    lines.otherwise = Line(sim_swapped=True)
    assert asked_about() is True


def test_a_class_has_to_say_how_it_asks():
    with pytest.raises(NotImplementedError):
        Silent().check("+998901234567", last_seen=timezone.now())


def test_threads_that_all_hang_are_a_reason_to_come_again(lines, settings, monkeypatch):
    settings.OTP_PROVIDER_CALLS = 1
    begun = executor._submit

    def submit(provider, question):
        slots, _ = executor._pool(provider, 1)
        assert slots.acquire(blocking=False)
        try:
            return begun(provider, question)
        finally:
            slots.release()

    monkeypatch.setattr(executor, "_submit", submit)
    with pytest.raises(Unavailable):
        asked_about()
    assert not LineLookup.objects.exists()
