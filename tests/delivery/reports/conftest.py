"""The provider whose reports are applied."""

import pytest

from otp_app.providers.base import Receipt
from tests.remote import remotes
from tests.reporting import REFERENCE


@pytest.fixture(autouse=True)
def remote():
    """A provider that answers REFERENCE for every message."""
    with remotes() as providers:
        providers.behave(lambda message: Receipt(REFERENCE, 1))
        yield providers
