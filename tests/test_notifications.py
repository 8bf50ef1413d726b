"""Notifications: an SMS without a code, which no limit of codes counts and nobody can answer."""

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from otp_app import notifications, stores
from otp_app.models import Delivery, Notification
from tests.factories import new_phone

pytestmark = pytest.mark.django_db
STORES = pytest.mark.usefixtures("each_store")


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


@pytest.fixture(autouse=True)
def public(settings):
    settings.OTP_PUBLIC_URL = "https://login.example.com"


@STORES
@pytest.mark.django_db(transaction=True)
def test_a_notification_is_delivered(user, outbox):
    notifications.send(user, "new_device", subject="s")
    (message,) = outbox
    assert (message.to, message.channel, message.code) == (user.phone, "sms", "")
    (delivery,) = Delivery.objects.all()
    assert delivery.status == "sent"
