"""Sends that no worker claimed are delivered once, and attempts that never ended are given up."""

import threading

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.db.backends.signals import connection_created

from otp_app import notices, services, stores
from otp_app.delivery import records, sweeper
from otp_app.delivery.sweeper import Sweep, sweep
from otp_app.errors import Unavailable
from otp_app.models import Delivery
from otp_app.providers.base import NotAccepted
from tests.factories import new_phone
from tests.races import race
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)


class LosingQueue:
    """A queue whose broker has lost everything."""

    at_once = False

    def enqueue(self, grant):
        """Never to be seen again."""


@pytest.fixture
def remote(settings, clock):
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    with remotes() as providers:
        yield providers


def lost_sends(number):
    return [services.send_code(phone=new_phone()).challenge for _ in range(number)]


def states():
    return sorted(Delivery.objects.values_list("status", "error"))


def test_what_a_queue_lost_is_delivered_once_with_its_own_code(remote, each_store, clock):
    lost = lost_sends(3)
    clock.advance(10)
    assert sweep() == Sweep(attempted=3, failed=0, abandoned=0, matched=0)
    assert sweep() == Sweep(0, 0, 0, 0)
    assert sorted(message.reference for _, message in remote.sent) == sorted(challenge.id for challenge in lost)
    assert states() == [("sent", "")] * 3
    code = remote.sent[0][1].code
    challenge = each_store.get(remote.sent[0][1].reference)
    assert services.verify_code(phone=challenge.phone, code=code).id == challenge.id


def test_a_send_that_was_committed_just_now_is_left_to_who_committed_it(remote, clock, monkeypatch):
    monkeypatch.setattr(sweeper, "CLAIM_GRACE_MS", 60_000)
    lost_sends(1)
    clock.advance(30)
    assert sweep().attempted == 0
    clock.advance(30)
    assert sweep().attempted == 1


def test_two_sweeps_at_once_deliver_each_send_once(remote, clock, settings):
    settings.OTP_PROVIDER_CALLS = 40  # of a process; sweeps at once are in processes of their own
    lost_sends(20)
    clock.advance(10)
    assert sum(swept.attempted for swept in race(lambda _: sweep(), 2)) >= 20
    assert len({message.reference for _, message in remote.sent}) == len(remote.sent) == 20


@pytest.mark.parametrize(("seconds", "error"), [(120, ""), (151, "late"), (3600, "late")])
def test_a_code_older_than_half_its_life_is_not_sent_and_costs_its_phone_nothing(
    remote, each_store, clock, seconds, error
):
    (challenge,) = lost_sends(1)
    clock.advance(seconds)
    assert sweep().attempted == 1
    assert states() == [("failed", error) if error else ("sent", "")]
    assert len(remote.sent) == (not error)
    if error:
        assert each_store.get(challenge.id).status == "canceled"
        services.send_code(phone=challenge.phone)


def test_what_was_cancelled_meanwhile_is_not_sent(remote, clock):
    (challenge,) = lost_sends(1)
    services.cancel(challenge_id=challenge.id)
    clock.advance(10)
    sweep()
    assert (states(), remote.sent) == ([("failed", "closed")], [])


def test_what_its_process_died_over_becomes_unknown_and_is_never_sent_again(remote, clock):
    dead, alive = lost_sends(2)
    clock.advance(10)
    assert records.claim(dead, "remote")
    clock.advance(30)
    assert records.claim(alive, "remote")
    clock.advance(31)
    assert sweep() == Sweep(attempted=0, failed=0, abandoned=1, matched=0)
    assert states() == [("queued", ""), ("unknown", "lease")]
    assert remote.sent == []


def test_of_more_than_a_batch_all_are_delivered_and_a_whole_bad_one_holds_up_no_other(
    remote, clock, monkeypatch, caplog
):
    monkeypatch.setattr(sweeper, "BATCH_CHALLENGES", 2)
    *bad, good, better, best = lost_sends(5)
    deliver = sweeper.dispatch.deliver

    def broken(challenge_id):
        if challenge_id in {challenge.id for challenge in bad}:
            raise DatabaseError(bad[0].phone)
        deliver(challenge_id)

    monkeypatch.setattr(sweeper.dispatch, "deliver", broken)
    clock.advance(10)
    assert sweep() == Sweep(attempted=3, failed=2, abandoned=0, matched=0)
    assert {message.reference for _, message in remote.sent} == {good.id, better.id, best.id}
    assert "to be swept: DatabaseError" in caplog.text
    assert bad[0].phone not in caplog.text
    monkeypatch.setattr(sweeper.dispatch, "deliver", deliver)
    assert sweep() == Sweep(attempted=2, failed=0, abandoned=0, matched=0)


def test_the_threads_of_a_sweep_leave_no_connection_behind(remote, clock):
    made = []

    def note(connection, **_):
        made.append(connection)

    lost_sends(3)
    clock.advance(10)
    connection_created.connect(note)
    try:
        sweep()
    finally:
        connection_created.disconnect(note)
    assert made
    assert {connection.connection for connection in made} == {None}


def test_within_a_transaction_nothing_is_sent_that_its_rollback_would_have_sent_again(remote, clock, caplog):
    (challenge,) = lost_sends(1)
    with transaction.atomic():
        assert sweeper.deliver_safely(challenge.id) is False
    assert remote.sent == []
    assert "to be swept: InsideTransaction" in caplog.text
    assert sweeper.deliver_safely(challenge.id)
    assert len(remote.sent) == 1


def test_no_more_than_half_of_the_calls_of_a_process_run_at_once(remote, settings, clock):
    settings.OTP_PROVIDER_CALLS = 6
    at_once, most, lock, three = set(), [], threading.Lock(), threading.Barrier(3)

    def slow(message):
        with lock:
            at_once.add(message.id)
            most.append(len(at_once))
        three.wait(30)  # so that all who may are at it
        threading.Event().wait(0.05)  # for a fourth, if one were begun
        with lock:
            at_once.discard(message.id)
        raise NotAccepted("503")

    settings.OTP_CIRCUIT_FAILURES = 100
    remote.behave(slow)
    lost_sends(9)
    clock.advance(10)
    sweep()
    assert max(most) == 3
    assert states() == [("failed", "503")] * 9


def test_when_its_time_is_over_a_sweep_leaves_the_rest_to_the_next(remote, clock, monkeypatch):
    monkeypatch.setattr(sweeper, "MAX_SWEEP_SECONDS", -1)
    lost_sends(2)
    clock.advance(10)
    assert sweep() == Sweep(0, 0, 0, 0)
    assert states() == [("queued", "")] * 2


def test_a_sweep_that_is_to_stop_begins_nothing_more(remote, clock):
    stop = threading.Event()
    stop.set()
    lost_sends(2)
    clock.advance(10)
    assert sweep(stop) == Sweep(0, 0, 0, 0)
    assert remote.sent == []


def test_lost_hand_overs_are_given_up_also_while_the_store_is_away(remote, clock, settings):
    (dead,) = lost_sends(1)
    assert records.claim(dead, "remote")
    clock.advance(100)
    settings.OTP_STORE = "otp_app.stores.redis.RedisStore"
    settings.OTP_REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(Unavailable):
        sweep()
    assert states() == [("unknown", "lease")]


def test_a_purge_says_how_much_it_deleted(remote, clock):
    lost_sends(2)
    clock.advance(2 * 24 * 3600)
    assert sweeper.purge() == (2, 0)
    assert stores.current().purge() == 0


class TestASweepThatIsMissing:
    """In production, as soon as there has been something to sweep."""

    @pytest.fixture
    def told(self, caplog, settings):
        settings.DEBUG = False

        def told():
            caplog.clear()
            notices._told.clear()
            sweeper.warn_of_silence()
            return [record.getMessage() for record in caplog.records if record.name == "otp_app.sweeps"]

        return told

    def test_is_told_of_until_it_runs(self, remote, clock, told):
        assert told() == []
        lost_sends(1)
        clock.advance(600)
        assert told() == []
        clock.advance(60)
        (line,) = told()
        assert line.startswith(
            "manage.py otp_sweep has not run for 11 min. What a killed process has left behind stays"
        )
        sweep()
        assert told() == []
        clock.advance(661)
        assert len(told()) == 1

    def test_is_no_matter_in_development(self, remote, clock, told, settings):
        lost_sends(1)
        clock.advance(3600)
        settings.DEBUG = True
        assert told() == []

    def test_is_told_of_by_a_purge(self, remote, clock, caplog, settings):
        settings.DEBUG = False
        lost_sends(1)
        clock.advance(3600)
        call_command("otp_purge")
        assert "manage.py otp_sweep has not run for 60 min." in caplog.text
