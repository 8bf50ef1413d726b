"""Give the tests of projects that embed this app the sent codes, without a phone.

With pytest, in ``conftest.py``::

    from otp_app.testing import otp_outbox  # noqa: F401

    def test_sign_in(client, db, otp_outbox):
        client.post("/api/send-otp/", {"phone": "+998901234567"}, content_type="application/json")
        code = otp_outbox.code("+998901234567")

Import ``admin_user`` in the same way to make pytest-django's ``admin_client`` work with ``otp_app.User``.

Without pytest, ``with otp_app.testing.outbox() as sent: ...``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.test import override_settings

from .conf import conf
from .providers import memory
from .providers.base import Message

ADMIN = "+12025550100"  # of the range that is reserved for fiction
PROVIDER = {"ALIAS": "memory", "BACKEND": "otp_app.providers.memory.MemoryProvider"}


class Outbox:
    """Hold the messages that were sent while the outbox was open."""

    @property
    def messages(self) -> list[Message]:
        return memory.outbox

    def code(self, phone: str) -> str:
        """Return the last code sent to a phone; raise LookupError if there is none."""
        for message in reversed(memory.outbox):
            if message.to == phone:
                return message.code
        raise LookupError(f"no message to {phone}")


@contextmanager
def outbox() -> Iterator[Outbox]:
    """Keep messages instead of sending them, whatever the routes."""
    memory.outbox.clear()
    named = {alias for route in conf.ROUTES.values() for aliases in route.values() for alias in aliases}
    entries = [PROVIDER | {"ALIAS": alias} for alias in sorted(named)] or [PROVIDER]
    with override_settings(OTP_PROVIDERS=entries, OTP_OUTBOX_FILE=""):
        yield Outbox()
    memory.outbox.clear()


try:
    import pytest
except ImportError:  # the context manager needs no pytest
    pass
else:

    @pytest.fixture
    def otp_outbox() -> Iterator[Outbox]:
        """Provide the outbox as a fixture."""
        with outbox() as sent:
            yield sent

    @pytest.fixture
    def admin_user(db: None) -> Any:  # noqa: ARG001  (the database is made and may be used)
        """Create a superuser with the password "password", in place of pytest-django's, whose name is no phone."""
        return get_user_model().objects.create_superuser(ADMIN, "password")
