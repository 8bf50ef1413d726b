"""What an operator should set right is told often enough to be seen, and too seldom to fill the log."""

import logging

import pytest

from otp_app import notices

logger = logging.getLogger("otp_app.tests")


@pytest.fixture
def now(monkeypatch):
    """The clock of the process, which a test may move."""
    now = [1000.0]
    monkeypatch.setattr(notices.time, "monotonic", lambda: now[0])
    return now


def test_a_text_is_told_once_a_minute_and_again_in_the_next(caplog, now):
    for seconds in (0, 30, 29, 1, 59):
        now[0] += seconds
        notices.warn(logger, "%d proxies are set", 2)
    assert [record.getMessage() for record in caplog.records] == ["2 proxies are set"] * 2


def test_another_text_does_not_wait_for_it(caplog, now):
    notices.warn(logger, "this")
    notices.warn(logger, "that")
    assert [record.getMessage() for record in caplog.records] == ["this", "that"]
