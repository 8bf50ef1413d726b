"""Visitors of the pages."""

import pytest

from tests.web.visitor import Visitor


@pytest.fixture
def visitor(db, outbox):
    return Visitor(outbox)


@pytest.fixture
def three_ways(settings):
    """Offer three channels: SMS, call and Telegram, in that order."""
    settings.OTP_ROUTES = {"*": {channel: ["memory"] for channel in ("sms", "call", "telegram")}}
