"""The fault points are reached by what people and providers do, in the order of the flow."""

import pytest

from otp_app import services
from otp_app.providers.base import Event, NotAccepted
from otp_app.queues import celery
from tests.factories import new_phone
from tests.remote import RemoteProvider, remotes
from tests.torture import fault_points

SIGN_IN = [
    "send.committed",
    "handover.claimed",
    "handover.passed_on",
    "handover.answered",
    "handover.ended",
    "send.queued",
    "check.spent",
    "challenge.closed",
]
WRITTEN = [
    "send.committed",
    "handover.claimed",
    "handover.answered",
    "outcomes.written",
    "handover.ended",
    "send.queued",
]
BY_CELERY = [
    "send.committed",
    "send.queued",
    "handover.claimed",
    "handover.answered",
    "handover.ended",
]
REPORT = ["report.verified", "report.applied"]


@pytest.fixture
def passed(monkeypatch):
    """The names of the points that were reached."""
    names = []
    fault_points.install(names.append, monkeypatch.setattr)
    return names


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_passes_them_in_order(passed):
    with remotes("one", "two") as remote:
        remote.fail(NotAccepted("503"), "one")
        phone = new_phone()
        services.send_code(phone=phone)
        services.sign_in(phone=phone, code=remote.sent[-1][1].code)
    assert passed == SIGN_IN


@pytest.mark.django_db(transaction=True)
def test_a_send_that_the_first_provider_takes_is_written_down_with_others_and_passes_that(passed):
    with remotes():
        services.send_code(phone=new_phone())
    assert passed == WRITTEN


@pytest.mark.django_db(transaction=True)
def test_a_send_by_celery_is_queued_before_a_worker_claims_it(passed, settings, monkeypatch):
    settings.OTP_QUEUE = "otp_app.queues.celery.CeleryQueue"
    published = []
    monkeypatch.setattr(celery, "_publish", published.append)
    with remotes():
        services.send_code(phone=new_phone())
        celery.deliver.apply(published)
    assert passed == BY_CELERY


@pytest.mark.django_db(transaction=True)
def test_a_report_is_applied_between_its_two(client, monkeypatch, passed):
    with remotes():
        monkeypatch.setattr(RemoteProvider, "events", lambda self, report: [Event("delivered", reference="their-1")])
        assert client.post("/api/webhooks/remote/").status_code == 204
    assert passed == REPORT


def test_none_is_left_out():
    assert {*SIGN_IN, *WRITTEN, *REPORT} == set(fault_points.NAMES)
