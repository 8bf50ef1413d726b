"""Fixtures of several tests of deliveries. A module that needs other providers has a ``remote`` of its own."""

import pytest

from otp_app import services
from otp_app.models import Delivery
from otp_app.signals import reported
from tests.asking import open_one
from tests.factories import new_phone
from tests.remote import remotes


@pytest.fixture
def remote():
    with remotes() as providers:
        yield providers


@pytest.fixture
def queued(remote, each_store, clock):
    """A committed send that no process has claimed."""
    return open_one(each_store, client="192.0.2.1").challenge


@pytest.fixture
def sent(remote):
    """The record of an accepted message."""
    challenge = services.send_code(phone=new_phone()).challenge
    return Delivery.objects.get(challenge=challenge.id)


@pytest.fixture
def heard():
    """The statuses of each event and its delivery that the signal ``reported`` was sent with."""
    calls = []

    def hear(**values):
        calls.append((values["event"].status, values["delivery"].status))

    reported.connect(hear)
    yield calls
    reported.disconnect(hear)
