"""A superuser, who is asked for a second factor, and the browser of that person."""

import pytest

from otp_app.models import User
from tests.passkeys import relying_party  # noqa: F401
from tests.web.visitor import Visitor

PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _asked_for(settings):
    settings.OTP_STAFF_SECOND_FACTOR = True


@pytest.fixture
def visitor(outbox):
    return Visitor(outbox)


@pytest.fixture
def superuser(visitor):
    return User.objects.create_superuser(visitor.phone, PASSWORD)
