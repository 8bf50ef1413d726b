"""Make values for tests, as the contracts do, and wrong codes."""

from otp_app.testing.contracts.values import new_challenge, new_phone

__all__ = ["new_challenge", "new_phone", "other_than"]


def other_than(code):
    """Return a wrong code of the same length."""
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
