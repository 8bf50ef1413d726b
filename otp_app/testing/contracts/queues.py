"""Test what every queue must do."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest

from ... import queues, services, stores
from ...conf import plugin
from ...models import Delivery
from ...providers.base import NotAccepted
from ..clock import Clock
from ..messages import outbox
from .races import race
from .values import new_phone


class Harness(Protocol):
    """Tell the contract of a queue what is special to it. What nobody calls for a queue ``at_once`` may be missing."""

    path: str  # for OTP_QUEUE

    def deliver(self, challenge_id: str) -> None:
        """Do what a worker does with this id, in this process; nothing for a queue ``at_once``."""

    def carried(self) -> list[Any]:
        """Return, and forget, what was handed to the broker, each as (positional, keyword) arguments of the worker."""

    def broken(self) -> AbstractContextManager[None]:
        """Return a context manager for whose time the broker is not there."""


class QueueContract:
    """Test a queue. A subclass has the fixture ``harness``, with nothing waiting in the broker yet.

    Threads meet in the database: where it is SQLite's, it has to be a file.
    """

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def queue(self, harness, settings):
        settings.OTP_QUEUE = harness.path
        plugin.cache_clear()
        return harness

    @pytest.fixture
    def sent(self):
        with outbox() as sent:
            yield sent

    @pytest.fixture
    def clock(self, tmp_path, settings):
        settings.OTP_CLOCK_OFFSET_FILE = str(tmp_path / "clock")
        return Clock(tmp_path / "clock")

    @pytest.fixture
    def later(self, queue):
        if queues.current().at_once:
            pytest.skip("it has delivered when the request is answered")

    def test_a_send_comes_to_one_message_and_its_record_and_the_queue_carries_an_id(self, queue, sent):
        challenge = services.send_code(phone=new_phone()).challenge
        assert queue.carried() == ([] if queues.current().at_once else [((challenge.id,), {})])
        queue.deliver(challenge.id)
        assert [message.reference for message in sent.messages] == [challenge.id]
        assert Delivery.objects.get().status == "sent"

    def test_an_id_that_comes_twice_is_delivered_once(self, queue, sent):
        grant = services.send_code(phone=new_phone())
        if not grant.claimed:  # one that is taken on with its send is for whoever sends, and once
            queues.current().enqueue(grant)
        for _ in range(2):
            queue.deliver(grant.challenge.id)
        assert len(sent.messages) == 1
        assert Delivery.objects.get().status == "sent"

    def test_three_workers_on_one_id_send_one_message(self, queue, sent):
        challenge = services.send_code(phone=new_phone()).challenge
        assert race(lambda _: queue.deliver(challenge.id), 3) == [None] * 3
        assert len(sent.messages) == 1
        assert Delivery.objects.get().status == "sent"

    def test_a_second_send_is_delivered_as_well(self, queue, sent, clock):
        phone = new_phone()
        challenge_id = services.send_code(phone=phone).challenge.id
        queue.deliver(challenge_id)
        clock.advance(61)
        services.send_code(phone=phone, challenge_id=challenge_id)
        queue.deliver(challenge_id)
        assert [message.reference for message in sent.messages] == [challenge_id] * 2
        assert len({message.code for message in sent.messages}) == 1

    def test_who_asked_is_answered_before_a_provider_refuses_and_has_used_nothing_up(self, queue, later, sent):
        phone = new_phone()
        with sent.failing(NotAccepted("20429")):
            challenge = services.send_code(phone=phone).challenge
            queue.deliver(challenge.id)
        assert Delivery.objects.get().error == "20429"
        assert stores.current().get(challenge.id).status == "canceled"
        services.send_code(phone=phone)

    def test_what_a_worker_is_told_wrong_ends_with_the_type_of_an_error(self, queue, later, caplog):
        queue.deliver("no id of ours")
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
            "not delivered, to be swept: ValidationError"
        ]

    def test_a_broker_that_is_not_there_fails_no_request(self, queue, later, sent):
        with queue.broken():
            services.send_code(phone=new_phone())
        assert Delivery.objects.get().status == "queued"  # a sweep delivers it
        assert sent.messages == []
