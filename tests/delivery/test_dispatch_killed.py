"""Processes that die, or are given up for dead, while they deliver a send."""

import pytest
from django.db import connections

from otp_app import stores
from otp_app.challenges import Status
from otp_app.db import clock as clocks
from otp_app.delivery import dispatch, records
from otp_app.models import Delivery
from otp_app.providers.base import NotAccepted, Receipt
from tests.remote import remotes
from tests.sends import phone_sends, rows

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The end of a process, as far as its own code can tell."""


def die(*args, **options):
    raise Killed


def give_up_the_dead(clock):
    clock.advance(61)
    return records.abandon(clocks.read_now(records.database()) - 60_000)


def given_up_elsewhere(clock):
    """Give up dead attempts in the thread of a provider, which has a database connection of its own."""
    try:
        return give_up_the_dead(clock)
    finally:
        connections.close_all()


@pytest.mark.parametrize(
    "place",
    ["otp_app.delivery.records.claim", "otp_app.challenges.codes.code_for", "otp_app.delivery.messages.compose"],
)
def test_killed_before_the_claim_the_next_worker_delivers_the_send(remote, queued, monkeypatch, clock, place):
    monkeypatch.setattr(place, die)
    with pytest.raises(Killed):
        dispatch.deliver(queued.id)
    monkeypatch.undo()
    assert rows(queued) == [("queued", "")]
    assert give_up_the_dead(clock) == 0
    dispatch.deliver(queued.id)
    assert len(remote.sent) == 1


@pytest.mark.parametrize("place", ["otp_app.delivery.executor.call", "otp_app.delivery.records.end"])
def test_killed_after_the_claim_the_attempt_is_unknown_and_never_sent_again(remote, queued, monkeypatch, clock, place):
    monkeypatch.setattr(place, die)
    with pytest.raises(Killed):
        dispatch.deliver(queued.id)
    monkeypatch.undo()
    asked = len(remote.sent)
    dispatch.deliver(queued.id)
    assert rows(queued) == [("queued", "")]
    assert give_up_the_dead(clock) == 1
    for _ in range(2):
        dispatch.deliver(queued.id)
    assert rows(queued) == [("unknown", "lease")]
    assert len(remote.sent) == asked == (place == "otp_app.delivery.records.end")
    assert phone_sends(queued) == 1
    assert stores.current().get(queued.id).status is Status.PENDING


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("otp_app.delivery.circuit_breaker.record_failure", [("unknown", "lease")]),
        ("otp_app.delivery.records.pass_on", [("unknown", "lease")]),
        ("otp_app.providers.get", [("failed", "503"), ("unknown", "lease")]),
    ],
)
def test_killed_between_two_providers_the_second_is_not_called_later(queued, monkeypatch, clock, place, left):
    with remotes("one", "two") as remote:

        def refuse(message):
            monkeypatch.setattr(place, die)
            raise NotAccepted("503")

        remote.behave(refuse, "one")
        with pytest.raises(Killed):
            dispatch.deliver(queued.id)
        monkeypatch.undo()
        assert give_up_the_dead(clock) == 1
        dispatch.deliver(queued.id)
        assert remote.asked() == ["one"]
    assert rows(queued) == left


def test_killed_before_it_was_given_back_the_phone_has_lost_a_send_and_no_more(remote, queued, monkeypatch, clock):
    remote.fail(NotAccepted("503"))
    monkeypatch.setattr(type(stores.current()), "undo_send", die)
    with pytest.raises(Killed):
        dispatch.deliver(queued.id)
    monkeypatch.undo()
    assert give_up_the_dead(clock) == 0
    dispatch.deliver(queued.id)
    assert rows(queued) == [("failed", "503")]
    assert phone_sends(queued) == 1


def test_an_answer_that_comes_after_it_was_given_up_is_believed(remote, queued, clock):
    remote.behave(lambda message: given_up_elsewhere(clock) and Receipt("theirs", 1))
    dispatch.deliver(queued.id)
    found = Delivery.objects.get()
    assert (found.status, found.error, found.reference) == ("sent", "", "theirs")


def test_what_was_given_up_while_it_was_refused_goes_to_no_other(queued, clock):
    """The requester may have been told already that the person perhaps has the message."""
    with remotes("one", "two") as remote:

        def refuse(message):
            given_up_elsewhere(clock)
            raise NotAccepted("503")

        remote.behave(refuse, "one")
        dispatch.deliver(queued.id)
        assert remote.asked() == ["one"]
    assert rows(queued) == [("unknown", "lease")]
    assert phone_sends(queued) == 1
