"""Help the tests of projects that embed this app: codes without a phone, an admin, a clock, no limits, failures.

With pytest, in ``conftest.py``::

    from otp_app.testing import otp_outbox  # noqa: F401

    def test_sign_in(client, db, otp_outbox):
        client.post("/api/send-otp/", {"phone": "+998901234567"}, content_type="application/json")
        code = otp_outbox.code("+998901234567")

Without pytest, ``with otp_app.testing.outbox() as sent: ...``. Whoever writes a provider, a queue, a store or a token
backend inherits its tests from ``otp_app.testing.contracts``. All of it is in docs/testing.md.
"""

from importlib.util import find_spec

from .admin import ADMIN, create_admin
from .clock import Clock, moved
from .limits import unlimited
from .line_checks import Lines, lines
from .messages import Outbox, outbox

__all__ = ["ADMIN", "Clock", "Lines", "Outbox", "create_admin", "lines", "moved", "outbox", "unlimited"]

if find_spec("pytest"):  # the context managers need none
    from .fixtures import admin_user, otp_clock, otp_lines, otp_outbox, otp_unlimited

    __all__ += ["admin_user", "otp_clock", "otp_lines", "otp_outbox", "otp_unlimited"]
