"""Fixtures of the whole suite."""

import pytest

from otp_app.providers import memory
from otp_app.testing import otp_outbox  # noqa: F401
from tests.clock import Clock


@pytest.fixture
def outbox():
    """The messages a test sends, as the memory provider kept them."""
    memory.outbox.clear()
    yield memory.outbox
    memory.outbox.clear()


@pytest.fixture
def clock(tmp_path, settings):
    path = tmp_path / "clock"
    settings.OTP_CLOCK_OFFSET_FILE = str(path)
    return Clock(path)
