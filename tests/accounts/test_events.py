"""What happens to an account's security is written down for its owner."""

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from otp_app import stores
from otp_app.accounts import events
from otp_app.accounts.events import Kind
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def test_an_event_tells_when_and_by_which_client_and_is_its_owners_alone():
    one, other = (get_user_model().objects.create_user(new_phone()) for _ in range(2))
    request = RequestFactory().get(
        "/", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140.0", REMOTE_ADDR="192.0.2.7"
    )
    events.record(one, Kind.NEW_DEVICE, request)
    events.record(one, Kind.SESSIONS_ENDED)
    newest, oldest = events.of(one)
    assert (oldest.kind, oldest.client_name, oldest.network) == ("new_device", "Firefox, Linux", "192.0.2.0/24")
    assert (newest.kind, newest.client_name, newest.network) == ("sessions_ended", "", "")
    assert abs(oldest.at - stores.current().now()) < 60_000
    assert str(oldest) == f"new_device {one.pk}"
    assert events.of(other) == []


def test_events_are_kept_for_180_days(clock):
    user = get_user_model().objects.create_user(new_phone())
    events.record(user, Kind.NEW_DEVICE)
    clock.advance(180 * 24 * 3600 - 60)
    events.purge(stores.current().now())
    assert events.of(user)
    clock.advance(120)
    events.purge(stores.current().now())
    assert not events.of(user)
