"""Provide the helpers as fixtures of pytest: import those that you use in ``conftest.py``."""

from collections.abc import Iterator
from typing import Any

import pytest

from .admin import create_admin
from .clock import Clock, moved
from .limits import unlimited
from .line_checks import Lines, lines
from .messages import Outbox, outbox

pytest.register_assert_rewrite("otp_app.testing.contracts")  # so that a failure of the contract says what was compared


@pytest.fixture
def otp_outbox() -> Iterator[Outbox]:
    """Provide the messages that a test sends, which reach no provider."""
    with outbox() as sent:
        yield sent


@pytest.fixture
def otp_clock() -> Iterator[Clock]:
    """Provide a clock by which a test lets time pass."""
    with moved() as clock:
        yield clock


@pytest.fixture
def otp_lines() -> Iterator[Lines]:
    """Provide a company that is asked about numbers, which answers what the test says."""
    with lines() as asked:
        yield asked


@pytest.fixture
def otp_unlimited() -> Iterator[None]:
    """Put the limits out of the way."""
    with unlimited():
        yield


@pytest.fixture
def admin_user(db: None) -> Any:  # noqa: ARG001  (the database is made and may be used)
    """Create a superuser with the password "password", in place of pytest-django's, whose name is no phone."""
    return create_admin()
