"""Fixtures of the whole suite."""

import time

import pytest

from otp_app import stores
from otp_app.providers import memory
from otp_app.testing import otp_outbox  # noqa: F401


@pytest.fixture
def outbox():
    """The messages a test sends, as the memory provider kept them."""
    memory.outbox.clear()
    yield memory.outbox
    memory.outbox.clear()


class Clock:
    """A clock file for OTP_CLOCK_OFFSET_FILE: time passes when a test says so."""

    def __init__(self, path):
        self.path = path
        self.seconds = 0

    def advance(self, seconds):
        self.seconds += seconds
        self.path.write_text(str(self.seconds))


@pytest.fixture
def clock(tmp_path, settings):
    path = tmp_path / "clock"
    settings.OTP_CLOCK_OFFSET_FILE = str(path)
    return Clock(path)


@pytest.fixture
def store():
    return stores.current()


@pytest.fixture
def started():
    return time.time()
