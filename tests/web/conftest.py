"""Visitors of the pages."""

import pytest
from django.utils.translation import override

from tests.web.visitor import Visitor


@pytest.fixture(autouse=True)
def _english():
    """Reset the language of the thread, because a request may leave its own active."""
    with override("en"):
        yield


@pytest.fixture
def visitor(db, outbox):
    return Visitor(outbox)


@pytest.fixture
def three_ways(settings):
    """Offer three channels: SMS, call and Telegram, in that order."""
    settings.OTP_ROUTES = {"*": {channel: ["memory"] for channel in ("sms", "call", "telegram")}}
