"""Who visits the pages."""

import pytest
from django.utils.translation import override

from tests.web.visitor import Visitor


@pytest.fixture(autouse=True)
def _english():
    """A request leaves its language behind in the thread."""
    with override("en"):
        yield


@pytest.fixture
def visitor(db, outbox):
    return Visitor(outbox)


@pytest.fixture
def three_ways(settings):
    """A text message, a call and Telegram, in that order."""
    settings.OTP_ROUTES = {"*": {channel: ["memory"] for channel in ("sms", "call", "telegram")}}
