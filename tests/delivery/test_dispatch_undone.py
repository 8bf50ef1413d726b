"""Sends that no provider is called for: they stay queued, or are ended and given back, once."""

import pytest
from django.db import transaction

from otp_app import stores
from otp_app.challenges import Grant
from otp_app.delivery import circuit_breaker, dispatch, executor, records, suppressions
from otp_app.errors import InsideTransaction
from otp_app.models import Delivery
from otp_app.providers.base import NotAccepted
from tests.races import race
from tests.remote import remotes
from tests.sends import counted, phone_sends, rows, unconverted

pytestmark = pytest.mark.django_db(transaction=True)


def test_where_no_provider_may_be_called_a_worker_leaves_the_send_queued(queued):
    """An open circuit is tried again in half a minute, and a code is of use for longer than that."""
    with remotes("one", routes={"*": {"whatsapp": ["one"]}}) as remote:
        assert race(lambda _: dispatch.deliver(queued.id), 8) == [None] * 8
        assert (rows(queued), remote.sent) == ([("queued", "")], [])
        assert phone_sends(queued) == 1
    with remotes("one") as remote:
        dispatch.deliver(queued.id)
        assert remote.asked() == ["one"]


def test_a_worker_that_has_no_place_for_a_call_takes_its_claim_back(remote, queued, settings, monkeypatch):
    def busy(*args, **options):
        raise executor.NotTried("busy")

    monkeypatch.setattr(executor, "call", busy)
    dispatch.deliver(queued.id)
    monkeypatch.undo()
    assert rows(queued) == [("queued", "")]
    assert Delivery.objects.get().provider == ""
    dispatch.deliver(queued.id)
    assert (rows(queued), len(remote.sent)) == ([("sent", "")], 1)


def test_the_claim_of_the_second_attempt_is_not_released(queued, monkeypatch):
    """The first provider was called: there are at most two attempts (I4)."""
    with remotes("one", "two") as remote:
        really = executor.call

        def busy_for_the_second(provider, *args, **options):
            if provider.name == "two":
                raise executor.NotTried("busy")
            return really(provider, *args, **options)

        remote.fail(NotAccepted("503"), "one")
        monkeypatch.setattr(executor, "call", busy_for_the_second)
        dispatch.deliver(queued.id)
    assert rows(queued) == [("failed", "503"), ("failed", "busy")]


def test_a_send_that_no_provider_may_be_called_for_ends_when_it_is_late(queued, clock):
    with remotes("one", routes={"*": {"whatsapp": ["one"]}}):
        clock.advance(151)
        dispatch.deliver(queued.id)
    assert rows(queued) == [("failed", "late")]
    assert set(counted(queued).values()) == {0}


def test_a_worker_that_sees_a_circuit_tried_by_another_does_not_end_the_send(queued, clock, monkeypatch):
    """The circuit looked open to that worker, and the other one had not claimed the send yet."""
    with remotes("one") as remote:
        for _ in range(5):
            circuit_breaker.record_failure("one")
        clock.advance(31)
        really = records.claim

        def claim_after_another_has_looked(challenge, alias):
            monkeypatch.setattr(records, "claim", really)
            dispatch.deliver(queued.id)
            return really(challenge, alias)

        monkeypatch.setattr(records, "claim", claim_after_another_has_looked)
        dispatch.deliver(queued.id)
        assert (rows(queued), remote.asked()) == ([("sent", "")], ["one"])


def test_within_a_transaction_nothing_is_handed_over(remote, queued):
    """A rollback would undo the claim although the provider has the message."""
    with transaction.atomic(), pytest.raises(InsideTransaction):
        dispatch.deliver(queued.id)
    assert remote.sent == []


def test_two_workers_with_a_suppressed_number_give_back_once(remote, queued):
    suppressions.suppress(queued.phone, "")
    assert race(lambda _: dispatch.deliver(queued.id), 8) == [None] * 8
    assert rows(queued) == [("failed", "suppressed")]
    assert remote.sent == []
    assert stores.current().get(queued.id).sends_left == queued.sends_left + 1
    assert unconverted(queued) == 1


def test_a_worker_that_finds_a_suppressed_number_and_its_send_claimed_gives_nothing_back(remote, queued):
    suppressions.suppress(queued.phone, "")
    assert records.claim(queued, "remote")  # before it was held back, by somebody who is still at it
    dispatch.dispatch(Grant(queued, queued.created_at, 0))
    assert remote.sent == []
    assert rows(queued) == [("queued", "")]
    assert stores.current().get(queued.id).sent_at == queued.sent_at


@pytest.mark.parametrize("late", [False, True])
def test_two_workers_with_a_send_of_no_use_give_back_once(remote, queued, settings, clock, late):
    settings.OTP_TEST_NUMBERS = {} if late else {queued.phone: {"code": "246810"}}
    clock.advance(200 if late else 0)
    waiting = records.unclaimed_sends(queued.id)
    dispatch.deliver(queued.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            records, "unclaimed_sends", lambda challenge_id: waiting
        )  # who looked before the other had done it
        dispatch.deliver(queued.id)
    assert remote.sent == []
    assert rows(queued) == [("failed", "late") if late else ("sent", "")]
    assert stores.current().get(queued.id).sends_left == queued.sends_left + late
    assert unconverted(queued) == phone_sends(queued) == (0 if late else 1)


def test_a_worker_that_finds_a_late_send_claimed_gives_nothing_back(remote, queued, monkeypatch, clock):
    clock.advance(200)
    monkeypatch.setattr(records, "give_up", lambda *args: 0)  # as after a claim in this instant
    dispatch.deliver(queued.id)
    assert stores.current().get(queued.id).sent_at == queued.sent_at
    assert unconverted(queued) == phone_sends(queued) == 1
