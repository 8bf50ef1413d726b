"""Call a store as the services do, and as its contract does."""

from otp_app.testing.contracts.asking import check, open_one, send_again, sending

__all__ = ["check", "open_one", "send_again", "sending"]
