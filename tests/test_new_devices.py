"""A sign-in of a known user by a device that is not known: an event, and, where wanted, a notification."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.middleware import SessionMiddleware

from otp_app import services, stores, tokens
from otp_app.accounts import events
from otp_app.errors import InvalidOrExpiredCode
from otp_app.models import Notification, SecurityEvent
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


@pytest.fixture(autouse=True)
def wanted(settings):
    settings.OTP_NOTIFY_NEW_DEVICE = True


@pytest.fixture
def request_of(rf):
    """Return a function that makes a request with a session."""

    def make():
        request = rf.get("/", HTTP_USER_AGENT=FIREFOX)
        SessionMiddleware(lambda _: None).process_request(request)
        return request

    return make


@pytest.fixture
def sign_in(outbox, clock):
    """Return a function that signs a phone in; the wait between sends is over."""

    def sign_in(phone, code="", **how):
        clock.advance(3600)
        services.send_code(phone=phone)
        code = code or next(message.code for message in reversed(outbox) if message.code)
        return services.sign_in(phone=phone, code=code, **how)

    return sign_in


def told(outbox):
    return [message.to for message in outbox if not message.code]


@pytest.mark.parametrize("backend", [None, SessionTokens()])
def test_it_is_recorded_once_with_its_client_and_told_to_the_phone(user, sign_in, request_of, outbox, backend):
    done = sign_in(user.phone, request=request_of(), backend=backend)
    (event,) = events.of(user)
    assert (event.kind, event.client_name, event.network) == ("new_device", "Firefox, Linux", "127.0.0.0/24")
    assert abs(event.at - stores.current().now()) < 60_000
    assert told(outbox) == [user.phone]
    (session,) = tokens.sessions.of(user)
    assert Notification.objects.get().subject == session.id == done.issued.session


def test_a_program_without_a_request_is_recorded_too(user, sign_in):
    sign_in(user.phone)
    (event,) = events.of(user)
    assert (event.client_name, event.network) == ("", "")


def test_a_sign_up_and_a_device_that_is_known_are_none(sign_in, outbox):
    done = sign_in(phone := new_phone())
    again = sign_in(phone, device=done.device)
    assert again.user == done.user
    assert events.of(done.user) == []
    assert told(outbox) == []


def test_a_device_of_another_phone_is_not_known(user, sign_in, outbox):
    device = sign_in(new_phone()).device
    sign_in(user.phone, device=device)
    assert [event.kind for event in events.of(user)] == ["new_device"]
    assert told(outbox) == [user.phone]


def test_a_wrong_code_and_a_deactivated_user_are_no_sign_in(user, sign_in, outbox):
    with pytest.raises(InvalidOrExpiredCode):
        sign_in(user.phone, other_than("000000") + "x")
    user.is_active = False
    user.save()
    with pytest.raises(InvalidOrExpiredCode):
        sign_in(user.phone)
    assert not SecurityEvent.objects.exists()
    assert told(outbox) == []


def test_unless_it_is_wanted_it_is_recorded_and_not_told(user, sign_in, outbox, settings):
    settings.OTP_NOTIFY_NEW_DEVICE = False
    sign_in(user.phone)
    assert len(events.of(user)) == 1
    assert told(outbox) == []


def test_a_sign_in_does_not_fail_by_the_message(user, sign_in, monkeypatch, outbox):
    monkeypatch.setattr("otp_app.accounts.notifications.add", lambda *_: 1 / 0)
    assert tokens.authenticate(sign_in(user.phone).issued.token) == user
    assert told(outbox) == []
